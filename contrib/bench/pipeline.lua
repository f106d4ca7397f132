-- Sends requests in batches of 16, as one write, and waits for all of their answers.

local depth = 16
local batch

function init()
    batch = string.rep(wrk.format(), depth)
end

function request()
    return batch
end
