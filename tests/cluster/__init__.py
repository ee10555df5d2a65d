"""A real Kubernetes for the tests: found, or built from its Go modules and started here.

binaries        kube-apiserver and the rest, built once into the user's cache
certificates    the authority and identities of a control plane
control_plane   etcd, API server and controllers on loopback: no pods
node            a whole node that runs pods, in a network namespace of its own (root)
image           Watership's image, built without any image registry
processes       children that are ended by their ids
"""
