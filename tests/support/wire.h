// A wire whose far end the test holds: it plays the hosts that one shard talks to, frame by frame,
// in virtual time. When the wire goes, everything the shard took must have come back.
//
//   Wire wire;
//   Peer peer(wire);
//   peer.sends(syn()).gets(syn_ack());
//   peer.sends(ack()).sends(text("ping")).gets(text("pong"));
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <experimental/source_location>  // the standard one is unknown to clang 14
#include <memory>
#include <string>
#include <vector>

#include "shard/shard.h"
#include "support/family.h"
#include "support/mem_port.h"
#include "support/said.h"
#include "support/script_app.h"

namespace mayfly::wire {

/// Makes a failed expectation print the reason's name.
inline void PrintTo(Drop drop, std::ostream* out) { *out << name_of(drop); }

}  // namespace mayfly::wire

namespace mayfly::flow {

inline void PrintTo(CloseReason why, std::ostream* out) { *out << name_of(why); }

}  // namespace mayfly::flow

namespace mayfly::shard {

inline void PrintTo(ConnectError error, std::ostream* out) { *out << static_cast<int>(error); }

}  // namespace mayfly::shard

namespace mayfly::testing {

using Where = std::experimental::source_location;
using Bytes = std::vector<std::byte>;

inline constexpr Ipv4Address kServerIp{0xc612'0001};  // 198.18.0.1/15
inline constexpr Ipv4Address kPeerIp{0xc612'0101};
inline constexpr MacAddress kServerMac{{2, 0, 0, 0, 0, 1}}, kPeerMac{{2, 0, 0, 0, 0, 2}};

/// A test's changes to the shard that it wants.
struct Given {
  Given();
  shard::ShardConfig config;
  shard::ShardSettings settings;
  bool peer_known = true;   ///< the peer's MAC address is known at the start
  bool answers_arp = true;  ///< the hosts on the wire answer for themselves
};

/// A shard that holds TIME_WAIT by this policy.
inline Given with(const flow::TimeWaitPolicy& policy) {
  Given given;
  given.settings.time_wait = policy;
  return given;
}

/// A segment that the shard sent.
struct Heard {
  FlowKey4 key;  ///< local = the peer, remote = the shard
  Segment segment;
  std::string text;
  Bytes frame;
};

class Peer;

class Wire {
 public:
  explicit Wire(Given given = {});
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // -- what happens --
  /// Puts a frame on the wire; the shard sees it at the next poll.
  void put(const Bytes& frame) { port.inject(frame); }
  Wire& poll();
  /// Other settings, from the next poll on.
  Wire& use(const shard::ShardSettings& other);
  /// Time goes by, a poll each millisecond.
  Wire& after(Duration span);
  /// A long time goes by at once.
  Wire& leap(Duration span);
  /// The app does something to each open connection now.
  template <class F>
  Wire& app_does(F&& f) {
    shard->for_each(now, f);
    return poll();
  }

  // -- what is known --
  std::uint64_t drops(Drop why) const {
    return shard->stats().drops[static_cast<std::size_t>(why)].get();
  }
  std::uint64_t closed(flow::CloseReason why) const {
    return shard->stats().closed[static_cast<std::size_t>(why)].get();
  }
  const flow::ShardStats& stats() const { return shard->stats(); }

  // -- frames that the hosts of this wire send --
  Bytes link_header(std::uint16_t ethertype, MacAddress to = kServerMac) const;
  Bytes arp_frame(const wire::ArpPacket& arp, MacAddress to = kServerMac) const;
  Bytes icmp_frame(std::uint8_t type, std::uint8_t code, std::uint32_t rest, const Bytes& body,
                   Ipv4Address from = kPeerIp, Ipv4Address to = kServerIp) const;

  Instant now{1'000'000};
  shard::ShardSettings settings;
  MemPort port;
  ScriptApp app;
  std::unique_ptr<ScriptShard> shard;

  bool answers_arp;
  std::vector<Ipv4Address> silent;  ///< hosts that do not answer for themselves, though others do
  std::deque<wire::ArpPacket>
      arps;  ///< that the shard sent, apart from requests that were answered
  std::deque<Bytes> arp_frames;
  std::deque<Bytes> icmps;
  std::deque<Bytes> tunnelled;  ///< packets inside others
  std::deque<Heard> strays;     ///< segments to nobody

 private:
  friend class Peer;
  void collect();
  void sort_in(const Bytes& frame);
  void on_arp(const Bytes& frame, std::size_t l3_off);
  void on_icmp(const Bytes& frame, const wire::ParsedFrame& parsed);
  bool answers(Ipv4Address host) const;
  void tell_of(Ipv4Address host, Ipv4Address to, bool is_answer);
  void everything_comes_home();

  std::vector<Peer*> peers_;
  std::deque<shard::Snapshot<shard::NoSettings>> later_;  // settings that took over
  std::ptrdiff_t buffers_at_start_;
  link::Interface interface_;
};

/// Shard::connect, in the family of this run.
inline shard::ConnectResult connect(ScriptShard& shard, const FlowKey4& key,
                                    const flow::AppState& state, Instant wake_at = Instant::never(),
                                    std::uint32_t host = 0) {
  return is_ipv6_run() ? shard.connect(six_of(key), state, wake_at, host)
                       : shard.connect(key, state, wake_at, host);
}

/// One flow of a host on the wire.
class Peer {
 public:
  explicit Peer(Wire& wire, std::uint16_t port = 40'000, Ipv4Address ip = kPeerIp,
                std::uint16_t server_port = 80);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // -- what the peer does --
  /// Sends a segment, and the shard has time to answer.
  Peer& sends(const Said& s);
  /// Sends a segment that arrives in one burst with what comes next.
  Peer& puts(const Said& s);
  /// The handshake, up to ESTABLISHED on both sides.
  Peer& opens(const Said& offer = syn());
  /// Answers the shard's SYN.
  Peer& answers(Where where = Where::current());
  /// A new incarnation of the same four-tuple begins, at this sequence number.
  Peer& again(Seq iss);

  // -- what is expected of the shard --
  Peer& gets(const Said& expected, Where where = Where::current());
  Peer& gets_nothing(Where where = Where::current());
  /// All text that came in order since it was asked last, acknowledged or not; forgets the
  /// segments.
  std::string gets_text();
  /// Forgets what came.
  Peer& ignores() {
    inbox.clear();
    return *this;
  }

  /// What came since the text was asked for last was lost on the way.
  Peer& misses() {
    inbox.clear();
    heard_ = text_asked_;
    return *this;
  }

  /// As the shard has it: local is its own side.
  FlowKey4 shard_key() const;
  /// The frame for a segment, not sent.
  Bytes frame(const Said& s) const;
  /// The sequence number after the last one sent, and after the last one heard.
  Seq next() const { return next_; }
  Seq heard() const { return heard_; }
  Seq shard_iss() const { return irs_; }

  std::deque<Heard> inbox;
  std::optional<std::uint32_t> clock;  ///< TSval of all segments from now on; none = no option
  std::uint16_t window = 65'535;

 private:
  friend class Wire;
  void hear(Heard heard);

  Wire& wire_;
  FlowKey4 key_;  // local is the peer
  Seq iss_, next_, irs_, heard_, text_asked_;
  std::uint32_t echo_ = 0;
};

}  // namespace mayfly::testing
