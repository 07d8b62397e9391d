// A server, its visitors, and an attacker who sits on the router: he sends from any address that he
// likes, and sees what the server says to it. All of it simulated, in virtual time.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/prng.h"
#include "net/simulation.h"
#include "support/shard_pair.h"
#include "wire/emit.h"

namespace mayfly::testing {

inline constexpr Ipv4Address kTarget{0xc612'0001}, kRouter{0xc612'00fe};  // 198.18.0.1, .254
inline constexpr MacAddress kTargetMac{{2, 0, 0, 0, 0, 1}}, kRouterMac{{2, 0, 0, 0, 0, 0xfe}};

/// Opens a connection each `every`, says "ping", and closes first when it has the answer.
struct Visitors : PingApp {
  template <class S>
  void on_poll(S& shard, Instant now) noexcept {
    if (now < next) return;
    next = now + every;
    if (opened == to_open) return;
    PingApp::on_poll(shard, now);
    if (on_visit) on_visit();
  }
  Instant next_due() const noexcept { return next; }

  Duration every = 1_ms;
  Instant next;
  std::function<void()> on_visit;
};

/// All that is behind the router.
class Attacker final : public net::Host {
 public:
  Attacker(net::Simulation& simulation, std::uint64_t seed)
      : random(seed), simulation_(simulation) {
    simulation.network().attach(port_, kRouterMac, {});
    simulation.add(*this);
  }

  /// An address that nobody has, not on the server's link.
  Ipv4Address stranger() noexcept {
    return {0x0a00'0001 + static_cast<std::uint32_t>(random.below(1 << 24))};
  }
  FlowKey4 flow(Ipv4Address from, std::uint16_t from_port, std::uint16_t to_port = 80) const {
    return FlowKey4::of(from, from_port, kTarget, to_port);
  }
  FlowKey4 any_flow() noexcept {
    return flow(stranger(), static_cast<std::uint16_t>(1'024 + random.below(60'000)));
  }

  void sends(const FlowKey4& key, const Emission& e) {
    std::vector<std::byte> frame(tcp_payload_offset(link_, e) + e.payload_len);
    emit_tcp(frame, link_, key, e, 0, wire::ChecksumBy::software, wire::ChecksumBy::software);
    sends(frame);
  }
  void sends(std::span<const std::byte> bytes) {
    net::SimFrame* frame = port_.allocate();
    ASSERT_NE(frame, nullptr) << "the simulated network is out of frames";
    std::copy(bytes.begin(), bytes.end(), frame->room.begin());
    port_.set_length(frame, bytes.size());
    ++frames_out;
    bytes_out += std::max<std::size_t>(bytes.size(), 60);  // as on a wire
    port_.transmit(std::span(&frame, 1), simulation_.now());
  }

  static Emission syn(std::uint32_t seq) {
    Emission e;
    e.seq = Seq{seq};
    e.flags = wire::tcp_flag::syn;
    e.options = wire::tcp_option::mss;
    e.mss = 1'460;
    e.window = 65'535;
    return e;
  }
  static Emission segment(std::uint8_t flags, std::uint32_t seq, std::uint32_t ack = 0) {
    Emission e;
    e.seq = Seq{seq};
    e.ack = Seq{ack};
    e.flags = flags;
    e.window = 65'535;
    return e;
  }

  void poll(Instant now) noexcept override {
    net::SimFrame* frame = nullptr;
    while (port_.receive(std::span(&frame, 1), now) == 1) {
      const wire::ParsedFrame p = wire::parse_frame(port_.bytes(frame), {kRouterMac, 0}, {});
      if (p.kind == wire::FrameKind::arp) {
        answer_arp(wire::read_arp(port_.bytes(frame), p.l3_off));
      } else {
        ++frames_in;
        bytes_in += std::max<std::size_t>(frame->length, 60);
        if (p.kind == wire::FrameKind::tcp && on_segment) on_segment(p);
      }
      port_.release(frame);
    }
  }
  Instant next_due() const noexcept override { return Instant::never(); }
  bool has_arrivals(Instant) const noexcept override { return port_.has_arrivals(); }

  Prng random;
  std::uint64_t frames_out = 0, bytes_out = 0;  ///< to the server
  std::uint64_t frames_in = 0, bytes_in = 0;    ///< from it, ARP apart
  std::function<void(const wire::ParsedFrame&)> on_segment;

 private:
  void answer_arp(const wire::ArpPacket& arp) {
    if (arp.operation != wire::ArpPacket::Operation::request || arp.target_ip != kRouter) return;
    net::SimFrame* frame = port_.allocate();
    const wire::LinkHeader link{arp.sender_mac, kRouterMac, 0};
    const wire::ArpPacket reply{wire::ArpPacket::Operation::reply, kRouterMac, arp.sender_mac,
                                kRouter, arp.sender_ip};
    port_.set_length(frame, emit_arp(port_.bytes(frame), link, reply));
    port_.transmit(std::span(&frame, 1), simulation_.now());
  }

  static constexpr wire::LinkHeader link_{kTargetMac, kRouterMac, 0};
  net::Simulation& simulation_;
  net::SimPort port_;
};

/// What a test changes of the siege.
struct SiegePlan {
  flow::SynPolicy syn{.half_open = 64};
  flow::TimeWaitPolicy time_wait{.hold = 2_s};
  net::WireSettings link{};  ///< the visitors'
  std::uint64_t seed = 1;
};

struct Siege {
  explicit Siege(const SiegePlan& plan = {}) : simulation(plan.seed) {
    static unsigned made = 0;
    const std::string name = "siege" + std::to_string(made++);
    settings.syn = plan.syn;
    settings.time_wait = plan.time_wait;
    shard::ShardConfig place = shard_config(name, kTarget.host, 1);
    place.interfaces[0].gateway = kRouter;
    server =
        std::move(*net::ShardHost<PongApp>::create(simulation, place, settings, server_app, {}));
    visitors = std::move(
        *net::ShardHost<Visitors>::create(simulation, shard_config(name + "v", 0xc612'0101, 2),
                                          visitor_settings, visitor_app, plan.link));
    attacker = std::make_unique<Attacker>(simulation, plan.seed);
  }
  ~Siege() {
    const flow::ShardStats& s = stats();
    EXPECT_EQ(s.rx_packets.get(), s.rx_handled.get() + s.rx_dropped() + s.syn_backlog.get());
  }

  const flow::ShardStats& stats() const { return server->shard().stats(); }
  std::uint64_t drops(Drop why) const { return stats().drops[static_cast<std::size_t>(why)].get(); }
  /// So many visits, until all have ended or failed.
  bool visit(unsigned count, Duration at_most) {
    visitor_app.to_open += count;
    return simulation.run_until([&] { return visitor_app.closed == visitor_app.to_open; }, at_most);
  }

  shard::ShardSettings settings, visitor_settings;
  net::Simulation simulation;
  PongApp server_app;
  Visitors visitor_app;
  std::unique_ptr<net::ShardHost<PongApp>> server;
  std::unique_ptr<net::ShardHost<Visitors>> visitors;
  std::unique_ptr<Attacker> attacker;
};

}  // namespace mayfly::testing
