// A sample of the requests that a core answers, for the log: the core writes them into a ring, the
// control thread reads them. If it does not keep up, they are counted as lost, and nothing waits.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string_view>
#include <variant>

#include "base/counter.h"
#include "base/prng.h"
#include "base/spsc_ring.h"
#include "base/time.h"
#include "service/settings.h"
#include "service/status.h"
#include "wire/flow_key.h"

namespace mayfly::service {

/// A request that was answered.
struct Access {
  /// A longer path is cut off.
  static constexpr std::size_t kPathMax = 100;

  std::variant<FlowKey4, FlowKey6> tuple;
  Instant at;
  std::uint64_t body_bytes = 0;  ///< of the answer; 0 for HEAD
  HttpStatus status = HttpStatus::ok;
  bool is_head = false;
  std::uint8_t path_size = 0;  ///< 0: the request had none that could be read
  std::array<char, kPathMax> path_bytes{};

  std::string_view path() const noexcept { return {path_bytes.data(), path_size}; }
};

/// Of one core.
class AccessLog {
 public:
  static constexpr std::size_t kRingSize = 1'024;

  explicit AccessLog(const AccessLogSettings& settings)
      : threshold_(static_cast<std::uint64_t>(std::ceil(std::ldexp(settings.sample, 32)))),
        ring_(threshold_ > 0 ? std::make_unique<Ring>() : nullptr) {}

  // -- for the core --
  /// Whether this request is one of the sample.
  bool picks() noexcept { return threshold_ > 0 && (prng_.next() >> 32) < threshold_; }
  /// A place for it in the log, which tell() completes before the next is noted; null if there is
  /// none. `path` is copied.
  template <class Key>
  Access* note(const Key& tuple, Instant at, std::string_view path, bool is_head) noexcept {
    Access* const place = ring_->next_free();
    if (place == nullptr) {
      lost_.add();
      return nullptr;
    }
    place->tuple = tuple;
    place->at = at;
    place->is_head = is_head;
    place->path_size = static_cast<std::uint8_t>(std::min(path.size(), Access::kPathMax));
    std::copy_n(path.data(), place->path_size, place->path_bytes.data());
    return place;
  }
  void tell(Access& noted, HttpStatus status, std::uint64_t body_bytes) noexcept {
    noted.status = status;
    noted.body_bytes = body_bytes;
    ring_->publish();
  }

  // -- for the control thread --
  /// Calls f(access) for each that was noted since the last call.
  template <class F>
  void read(F&& f) {
    if (ring_) ring_->take_all(f);
  }
  std::uint64_t lost() const noexcept { return lost_.get(); }

 private:
  using Ring = SpscRing<Access, kRingSize>;

  std::uint64_t threshold_;  // of 2^32; 0 = no log
  std::unique_ptr<Ring> ring_;
  Prng prng_{0x6d61'7966'6c79};
  Counter lost_;
};

}  // namespace mayfly::service
