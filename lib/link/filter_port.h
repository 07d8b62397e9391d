// The base of ports that stand between a link and the port below: a faulty wire, a capture. It
// passes every call on; a filter redeclares what it changes. No call is virtual.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "link/port.h"
#include "wire/drop.h"

namespace mayfly::link {

/// Satisfies Port, and SpreadPort if `P` does. Owns the inner port.
template <Port P>
class FilterPort {
 public:
  using Frame = typename P::Frame;
  FilterPort(const FilterPort&) = delete;
  FilterPort& operator=(const FilterPort&) = delete;

  std::size_t receive(std::span<Frame> frames, Instant now) noexcept {
    return inner_.receive(frames, now);
  }
  std::span<std::byte> bytes(Frame f) noexcept { return inner_.bytes(f); }
  wire::RxChecks rx_checks(Frame f) noexcept { return inner_.rx_checks(f); }
  Frame allocate() noexcept { return inner_.allocate(); }
  void set_length(Frame f, std::size_t length) noexcept { inner_.set_length(f, length); }
  void request_checksums(Frame f, std::size_t l2, std::size_t l3) noexcept {
    inner_.request_checksums(f, l2, l3);
  }
  TxOffloads tx_offloads() noexcept { return inner_.tx_offloads(); }
  std::size_t transmit(std::span<Frame> frames, Instant now) noexcept {
    return inner_.transmit(frames, now);
  }
  void release(Frame f) noexcept { inner_.release(f); }
  bool pass_on(Frame f) noexcept requires SpreadPort<P> { return inner_.pass_on(f); }

  P& inner() noexcept { return inner_; }
  const P& inner() const noexcept { return inner_; }

  /// Frames that the inner ports dropped for this reason, as far as they count them. Any thread may
  /// call it.
  std::uint64_t drops(Drop why) const noexcept {
    if constexpr (requires { inner_.drops(why); }) return inner_.drops(why);
    return 0;
  }

  /// What the innermost port has exchanged with the kernel. Any thread.
  Exchanged exchanged() const noexcept {
    if constexpr (requires { inner_.exchanged(); }) return inner_.exchanged();
    return {};
  }

 protected:
  /// `args` make the inner port.
  template <class... Args>
  explicit FilterPort(Args&&... args) : inner_(std::forward<Args>(args)...) {}
  ~FilterPort() = default;

 private:
  P inner_;
};

}  // namespace mayfly::link
