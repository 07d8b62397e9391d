// The generator over a fake stack, in virtual time.
#pragma once

#include <string>
#include <string_view>

#include "load/load_app.h"
#include "unit/load/fake_shard.h"

namespace mayfly::testing {

using flow::CloseReason;
using load::Cause;
using load::ClientSettings;
using load::Failure;
using shard::Closer;

inline constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

inline ClientSettings settings(Closer first, std::uint32_t requests = 1) {
  ClientSettings s;
  s.target = {.address = {0xc6120001}, .port = 80, .path = "/x", .host = "mayfly.test"};
  s.sources = {
      .first = {0xc6120101}, .last = {0xc6120101}, .port_first = 2'000, .port_last = 2'999};
  s.load.concurrency = 1;
  s.load.duration = 10_s;
  s.load.timeout = 2_s;
  s.load.requests_per_connection = requests;
  s.close.first = first;
  return s;
}

/// With one connection whose SYN is out.
struct Lab {
  explicit Lab(const ClientSettings& with) : wanted(with) { shard.poll({0}); }
  Lab(Closer first, std::uint32_t requests = 1) : Lab(settings(first, requests)) {}

  const load::LoadCounters& counters() { return app.results(shard.now).counters; }
  std::uint64_t failed(Failure why) { return counters().failures(why); }
  std::uint64_t caused_by(Cause cause) { return counters().caused_by(cause); }
  const load::LoadResults& results() { return app.results(shard.now); }
  std::uint64_t first_id() { return shard.flows.begin()->first; }

  ClientSettings wanted;
  load::LoadApp app{wanted, {}, {1, 2}};
  FakeShard<load::LoadApp> shard{app, 60_s};
};

}  // namespace mayfly::testing
