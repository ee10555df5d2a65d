-- Health of every watership.dev object for Argo CD, from its conditions and in its own words.
local health = {status = "Progressing", message = "the operator has not seen it yet"}

if obj.metadata.deletionTimestamp ~= nil then
  health.message = "is being deleted"
end
if obj.status == nil or obj.status.conditions == nil then
  return health
end

local found = {}
for _, condition in ipairs(obj.status.conditions) do
  found[condition.type] = condition
end
local ready, stalled = found["Ready"], found["Stalled"]
if ready == nil then
  return health
end
health.message = ready.message

if obj.metadata.deletionTimestamp ~= nil then
  return health
end
if (obj.status.observedGeneration or 0) < (obj.metadata.generation or 0) then
  health.message = "the operator has not seen this version yet"
  return health
end
local annotations = obj.metadata.annotations or {}
if annotations["watership.dev/pause-reconciliation"] == "true" or ready.reason == "Hibernated" then
  health.status = "Suspended"
elseif ready.status == "True" then
  health.status = "Healthy"
elseif (stalled ~= nil and stalled.status == "True") or ready.reason == "FailedCreateOrUpdate" or ready.reason == "TLSError" then
  health.status = "Degraded"
end
return health
