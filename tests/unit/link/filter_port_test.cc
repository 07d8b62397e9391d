#include "link/filter_port.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mayfly::testing {
namespace {

/// Notes every call.
class NotingPort {
 public:
  using Frame = int*;
  std::size_t receive(std::span<Frame>, Instant) noexcept { return note("receive"), 1; }
  std::span<std::byte> bytes(Frame) noexcept { return note("bytes"), std::span(room); }
  wire::RxChecks rx_checks(Frame) noexcept {
    return note("rx_checks"), wire::RxChecks{.ip_good = true};
  }
  Frame allocate() noexcept { return note("allocate"), &frame; }
  void set_length(Frame, std::size_t) noexcept { note("set_length"); }
  void request_checksums(Frame, std::size_t, std::size_t) noexcept { note("request_checksums"); }
  link::TxOffloads tx_offloads() noexcept {
    return note("tx_offloads"), link::TxOffloads{true, true};
  }
  std::size_t transmit(std::span<Frame> frames, Instant) noexcept {
    return note("transmit"), frames.size();
  }
  void release(Frame) noexcept { note("release"); }

  int frame = 0;
  std::array<std::byte, 60> room{};
  std::vector<std::string> calls;

 private:
  void note(const char* call) { calls.emplace_back(call); }
};

class NotingSpreadPort : public NotingPort {
 public:
  bool pass_on(Frame) noexcept { return true; }
  std::uint64_t drops(Drop) const noexcept { return 7; }
};

template <class P>
class Filter : public link::FilterPort<P> {
 public:
  Filter() = default;
};
static_assert(link::Port<Filter<NotingPort>> && !link::SpreadPort<Filter<NotingPort>>);
static_assert(link::SpreadPort<Filter<NotingSpreadPort>>);
static_assert(link::SpreadPort<Filter<Filter<NotingSpreadPort>>>);

TEST(FilterPort, PassesEveryCallOn) {
  Filter<NotingPort> port;
  int* frame = port.allocate();
  EXPECT_EQ(frame, &port.inner().frame);
  EXPECT_EQ(port.receive({&frame, 1}, {}), 1u);
  EXPECT_EQ(port.bytes(frame).data(), port.inner().room.data());
  EXPECT_TRUE(port.rx_checks(frame).ip_good);
  port.set_length(frame, 60);
  port.request_checksums(frame, 14, 20);
  EXPECT_TRUE(port.tx_offloads().ip_checksum);
  EXPECT_EQ(port.transmit({&frame, 1}, {}), 1u);
  port.release(frame);
  const std::vector<std::string> expected{"allocate",    "receive",    "bytes",
                                          "rx_checks",   "set_length", "request_checksums",
                                          "tx_offloads", "transmit",   "release"};
  EXPECT_EQ(port.inner().calls, expected);
}

TEST(FilterPort, OffersWhatOnlySomePortsHaveIfThePortBelowHasIt) {
  Filter<NotingSpreadPort> port;
  EXPECT_TRUE(port.pass_on(nullptr));
  EXPECT_EQ(port.drops(Drop::no_buffer), 7u);
  EXPECT_EQ(Filter<NotingPort>().drops(Drop::no_buffer), 0u);
}

}  // namespace
}  // namespace mayfly::testing
