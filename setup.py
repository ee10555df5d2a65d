"""The compiled kernel. Everything else about the build is in pyproject.toml."""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

KERNEL = Path("broker/watership/kernel")

setup(
    ext_modules=cythonize(
        [
            Extension(
                f"watership.kernel.{source.stem}",
                [str(source)],
                extra_compile_args=["-O2", "-g0", "-fno-strict-aliasing"],
            )
            for source in sorted(KERNEL.glob("*.pyx"))
        ],
        include_path=["broker"],
        compiler_directives={
            "language_level": "3",
            "boundscheck": True,
            "nonecheck": True,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
        },
    ),
)
