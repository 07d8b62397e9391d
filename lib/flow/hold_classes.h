// Which class of holds a TIME_WAIT entry belongs to, and how long each class holds (TimeWaitLog).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/time.h"
#include "flow/settings.h"
#include "flow/time_wait_log.h"
#include "wire/flow_key.h"
#include "wire/prefix.h"

namespace mayfly::flow {

/// The classes of a policy: its hold, one for each prefix of `nearness`, and for `recycle` holds
/// that double from one to the next.
class HoldClasses {
 public:
  static constexpr std::uint32_t kPolicy = 0;
  /// Prefixes of this policy and of one before, whose entries are still held.
  static constexpr std::uint32_t kNear = 16;
  static constexpr std::uint32_t kRecycled = TimeWaitLog::kClasses - 1 - kNear;
  /// The first hold of `recycle`.
  static constexpr Duration kRecycledLeast{87'500};

  HoldClasses() noexcept;
  /// Follows another policy. A prefix that the last one had too keeps its class, and so its entries
  /// follow a new hold; entries of other prefixes keep what they have.
  void follow(const TimeWaitPolicy& policy, const TimeWaitLog& log) noexcept;
  /// Gives the log the hold of each class; none is longer than `hold`, the policy's at present.
  void apply(Duration hold, TimeWaitLog& log) const noexcept;

  /// The class of an entry that another process has left in class `cls`.
  std::uint32_t again(std::uint32_t cls, const FlowKey4& key) const noexcept {
    const bool is_recycled = cls >= kFirstRecycled && cls < TimeWaitLog::kClasses;
    return is_recycled ? cls : of(key);
  }
  /// The same number where all classes are for the same prefixes.
  std::uint64_t fingerprint() const noexcept;

  /// The class of a new entry (RFC 9293 3.6.1, MUST-13: 2MSL; by nearness, NetBSD's choice of MSL).
  /// `six`: the four-tuple if it is IPv6's, else null.
  std::uint32_t of(const FlowKey4& key, const FlowKey6* six = nullptr) const noexcept;
  /// The same with `recycle`: Linux's tcp_tw_recycle holds for 3.5 x RTO, here rounded up to the
  /// hold of a class, if that is shorter than that of the `usual` class.
  std::uint32_t of_recycled(std::uint32_t usual, std::uint32_t rto_us,
                            const TimeWaitLog& log) const noexcept;

 private:
  static constexpr std::uint32_t kFirstNear = 1, kFirstRecycled = kFirstNear + kNear;
  /// The prefixes of a policy at most (time_wait.nearness).
  static constexpr std::uint32_t kPrefixes = 8;

  struct Near {
    Prefix prefix;
    std::uint32_t cls = kPolicy;
  };
  std::uint32_t class_of(const Prefix& prefix) const noexcept;
  std::uint32_t free_class(const TimeWaitLog& log) const noexcept;

  std::array<Near, kPrefixes> near_;  // in the order of the policy
  std::uint32_t near_count_ = 0;
  std::array<std::optional<Prefix>, kNear> prefixes_;  // of the classes from kFirstNear on
  std::array<Duration, TimeWaitLog::kClasses> holds_;  // of the classes, without a limit
};

}  // namespace mayfly::flow
