#include "flow/hold_classes.h"

#include <algorithm>

#include "base/assert.h"
#include "base/siphash.h"

namespace mayfly::flow {

HoldClasses::HoldClasses() noexcept {
  holds_.fill(TimeWaitLog::kHoldMax);
  for (std::uint32_t i = 0; i < kRecycled; ++i)
    holds_[kFirstRecycled + i] = kRecycledLeast * (std::int64_t{1} << i);
}

void HoldClasses::follow(const TimeWaitPolicy& policy, const TimeWaitLog& log) noexcept {
  MAYFLY_ASSERT(policy.nearness.size() <= kPrefixes);
  near_count_ = static_cast<std::uint32_t>(policy.nearness.size());
  for (std::uint32_t i = 0; i < near_count_; ++i)
    near_[i] = {policy.nearness[i].prefix, class_of(policy.nearness[i].prefix)};
  for (std::uint32_t i = 0; i < near_count_; ++i) {
    Near& near = near_[i];
    if (near.cls == kPolicy) near.cls = free_class(log);
    if (near.cls == kPolicy)
      continue;  // as if it were not near, until entries of others have ended
    prefixes_[near.cls - kFirstNear] = near.prefix;
    holds_[near.cls] = policy.nearness[i].hold;
  }
}

void HoldClasses::apply(Duration hold, TimeWaitLog& log) const noexcept {
  for (std::uint32_t cls = 0; cls < TimeWaitLog::kClasses; ++cls)
    log.set_hold(cls, std::min(holds_[cls], hold));
}

std::uint64_t HoldClasses::fingerprint() const noexcept {
  std::array<std::uint64_t, 3 * kNear> words{};
  for (std::uint32_t i = 0; i < kNear; ++i) {
    if (!prefixes_[i]) continue;
    const Ipv6Address::Halves halves = prefixes_[i]->address.halves();
    words[3 * i] = halves[0], words[3 * i + 1] = halves[1];
    words[3 * i + 2] = 1u + prefixes_[i]->length;
  }
  return siphash24(std::as_bytes(std::span(words)), {});
}

std::uint32_t HoldClasses::class_of(const Prefix& prefix) const noexcept {
  for (std::uint32_t i = 0; i < kNear; ++i)
    if (prefixes_[i] == prefix) return kFirstNear + i;
  return kPolicy;
}

std::uint32_t HoldClasses::free_class(const TimeWaitLog& log) const noexcept {
  for (std::uint32_t cls = kFirstNear; cls < kFirstNear + kNear; ++cls) {
    const auto has_it = [&](const Near& near) { return near.cls == cls; };
    if (log.count(cls) == 0 && std::ranges::none_of(std::span(near_).first(near_count_), has_it))
      return cls;
  }
  return kPolicy;
}

std::uint32_t HoldClasses::of(const FlowKey4& key, const FlowKey6* six) const noexcept {
  for (std::uint32_t i = 0; i < near_count_; ++i) {
    const Prefix& near = near_[i].prefix;
    const bool is_near = six != nullptr ? near.covers(six->remote)
                                        : !key.is_ipv6_name() && near.covers(key.remote());
    if (is_near) return near_[i].cls;
  }
  return kPolicy;
}

std::uint32_t HoldClasses::of_recycled(std::uint32_t usual, std::uint32_t rto_us,
                                       const TimeWaitLog& log) const noexcept {
  const Duration wanted{std::int64_t{rto_us} * 7 / 2};
  for (std::uint32_t cls = kFirstRecycled; cls < TimeWaitLog::kClasses; ++cls)
    if (holds_[cls] >= wanted) return holds_[cls] < log.hold_of(usual) ? cls : usual;
  return usual;
}

}  // namespace mayfly::flow
