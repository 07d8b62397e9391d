#include "load/tuples.h"

#include <array>
#include <numeric>

#include "base/assert.h"

namespace mayfly::load {
namespace {

/// The step between never used sources: no common factor with their number, so that all are met; in
/// the middle half of it, so that neighbours in time are far apart in address and port.
std::uint64_t stride_for(std::uint64_t sources, std::uint64_t random) noexcept {
  if (sources < 3) return 1;
  std::uint64_t stride = sources / 4 + random % (sources / 2 + 1);
  while (stride == 0 || std::gcd(stride, sources) != 1) ++stride;
  return stride;
}

}  // namespace

void SourceRing::push(std::uint32_t source) noexcept {
  MAYFLY_ASSERT(size_ < capacity_);
  slots_[place(size_)] = source;
  ++size_;
}

void SourceRing::remove(std::uint32_t position) noexcept {
  MAYFLY_ASSERT(position < size_);
  slots_[place(position)] = slots_[first_];
  first_ = place(1);
  --size_;
}

TuplePool::TuplePool(const SourceSettings& sources, const TargetSettings& target,
                     const SipKey& secret, FlowFilter mine)
    : source6_(sources.six),
      target6_(target.six),
      first_address_(sources.first),
      target_(target.six ? Ipv4Address{target.six->low()} : target.address),
      first_port_(sources.port_first),
      target_port_(target.port),
      ports_(ports_of(sources)),
      sources_(usable_sources(sources)),
      mine_(mine),
      fresh_left_(sources_),
      ready_(sources_),
      resting_(sources_) {
  // RFC 6056 3.3.3: F(local address, remote address, remote port, secret) is where the sequence
  // starts.
  const std::array<std::uint64_t, 2> flow{std::uint64_t{first_address_.host} << 32 | target_.host,
                                          target_port_};
  const std::uint64_t offset = siphash13(flow, secret);
  fresh_ = offset % sources_;
  stride_ = stride_for(sources_, offset >> 32);
}

FlowKey4 TuplePool::key_of(std::uint32_t source) const noexcept {
  MAYFLY_ASSERT(source < sources_);
  const std::uint32_t address = source / ports_;
  const auto port = static_cast<std::uint16_t>(first_port_ + source % ports_);
  return FlowKey4::of({first_address_.host + address}, port, target_, target_port_);
}

std::size_t TuplePool::peek(std::span<FlowKey4> keys) const noexcept {
  std::size_t n = 0;
  std::uint64_t fresh = fresh_;
  for (std::uint32_t left = fresh_left_; left > 0 && n < keys.size(); --left) {
    keys[n++] = key_of(static_cast<std::uint32_t>(fresh));
    fresh = (fresh + stride_) % sources_;
  }
  for (const SourceRing* ring : {&ready_, &resting_})
    for (std::uint32_t i = 0; i < ring->size() && n < keys.size(); ++i)
      keys[n++] = key_of(ring->at(i));
  return n;
}

void TuplePool::next_fresh() noexcept {
  MAYFLY_ASSERT(fresh_left_ > 0);
  --fresh_left_;
  fresh_ += stride_;
  if (fresh_ >= sources_) fresh_ -= sources_;
}

}  // namespace mayfly::load
