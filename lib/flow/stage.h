// The stages of a poll, for the clock that tells where its cycles go (shard/stage_clock.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mayfly::flow {

/// In the order of Shard::poll.
enum class Stage : std::uint8_t {
  receive,
  parse,
  find,
  handle,
  release,
  expire,
  app,
  respond,
  transmit,
};
inline constexpr std::size_t kStageCount = 9;

/// "receive"
constexpr std::string_view name_of(Stage stage) {
  constexpr std::string_view names[kStageCount] = {
      "receive", "parse", "find", "handle", "release", "expire", "app", "respond", "transmit"};
  return names[static_cast<std::size_t>(stage)];
}

/// What is done in it.
constexpr std::string_view help_of(Stage stage) {
  constexpr std::string_view helps[kStageCount] = {
      "the device gives frames",
      "headers are checked, four-tuples hashed, TIME_WAIT buckets prefetched",
      "flows are looked up in bulk, and their blocks prefetched",
      "each segment meets its connection, TIME_WAIT entry or listener, and the app hears of it",
      "received frames go back to their pool",
      "SYNs that were put off, timers, TIME_WAIT entries whose hold is over",
      "the app's own time: a generator opens connections in it",
      "segments are written for all connections that were touched",
      "the device takes frames, and neighbours age",
  };
  return helps[static_cast<std::size_t>(stage)];
}

}  // namespace mayfly::flow
