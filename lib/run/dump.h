// A capture of the frames of a running process, begun and fetched by a caller of the API.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "nic/settings.h"
#include "shard/frame_tap.h"

namespace mayfly::run {

/// The cores whose frames are captured.
struct TappedCores {
  std::size_t cores = 0;
  nic::ProcessSettings process;  ///< names the ports
  /// See EngineCore::watch.
  std::function<bool(std::size_t core, shard::FrameTap*& tap)> watch;
  std::function<Instant()> now;
};

/// Those of an engine, which outlives them, as the clock does.
template <class Engine, class Clock>
TappedCores tapped_cores(Engine& engine, const nic::ProcessSettings& process, const Clock& clock) {
  return {engine.cores().size(), process,
          [&engine](std::size_t core, shard::FrameTap*& tap) {
            return engine.cores()[core]->watch(tap);
          },
          [&clock] { return clock.now(); }};
}

/// Not thread-safe.
class Dump {
 public:
  /// `wanted` may have `filter`, a libpcap filter; `core` and `port`, numbers from 0; `bytes`, how
  /// much of each frame is kept. An error says what is wrong with it.
  static Result<std::unique_ptr<Dump>> begin(const TappedCores& cores,
                                             const nlohmann::ordered_json& wanted);
  /// Ends it. What a core that does not answer may still use is never freed.
  ~Dump();

  /// What there is since the last call, as parts of a pcapng file; some megabytes at most.
  std::string read();
  std::uint64_t frames() const { return frames_; }
  /// Frames for which there was no room, as they were not fetched in time.
  std::uint64_t lost() const;
  /// Nobody has called read() for some seconds.
  bool is_abandoned() const;

 private:
  struct Filter;
  explicit Dump(TappedCores cores);
  Result<void> watch_cores(std::size_t first, std::size_t last, std::uint32_t bytes_max);

  TappedCores cores_;
  std::unique_ptr<Filter> filter_;
  std::vector<std::unique_ptr<shard::FrameTap>> taps_;  // of the cores; null: is not watched
  std::string head_;                                    // of the file, until it is read
  std::uint64_t frames_ = 0;
  std::chrono::steady_clock::time_point read_at_;
};

}  // namespace mayfly::run
