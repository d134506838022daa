-- Alternates POST /enqueue and GET /dequeue, `depth` requests on the wire at once per connection.
-- Prints one line of JSON when the run is over: counts, and percentiles in microseconds.

local batches, turn = {}, 0

init = function(args)
   local depth = tonumber(args[1] or 1)
   local post = wrk.format("POST", "/enqueue", { ["Content-Type"] = "application/json" },
                           '{"event":"event 0123456789"}')
   local get = wrk.format("GET", "/dequeue")
   if depth == 1 then
      batches = { post, get }
   else
      batches = { string.rep(post .. get, depth / 2) }
   end
end

request = function()
   turn = turn % #batches + 1
   return batches[turn]
end

done = function(summary, latency)
   local errors = summary.errors
   print(string.format(
      '{"requests":%d,"seconds":%f,"refused":%d,"broken":%d,"p50_us":%d,"p99_us":%d}',
      summary.requests, summary.duration / 1e6, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50), latency:percentile(99)))
end
