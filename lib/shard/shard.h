// One core's engine: it receives frames, runs TCP and the app on them, and sends frames. It shares
// nothing with other cores but a settings snapshot and counters that are read relaxed. It takes no
// lock, and allocates memory only when it is made.
//
// poll() is one burst (poll.h): receive -> parse -> find in bulk -> decide in arrival order ->
// deliver to the app -> respond, once for each touched connection -> transmit. What is kept of
// connections is in flow/ (Connections, TimeWaits, HalfOpens), what lies below TCP in link/. The
// steps are in receive.h (from the port to the flow), decide.h (what becomes of a segment),
// deliver.h (text and events for the app) and respond.h (from a connection to frames).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/rate_limit.h"
#include "flow/conn.h"
#include "flow/connections.h"
#include "flow/half_opens.h"
#include "flow/idle_holders.h"
#include "flow/memory.h"
#include "flow/metrics.h"
#include "flow/orphans.h"
#include "flow/time_waits.h"
#include "link/link.h"
#include "shard/app.h"
#include "shard/burst.h"
#include "shard/cluster_ring.h"
#include "shard/frame_tap.h"
#include "shard/settings.h"
#include "shard/stage_clock.h"
#include "shard/syn_backlog.h"
#include "tcp/tcp.h"
#include "tcp/time_wait.h"
#include "wire/peek.h"

namespace mayfly::shard {

/// The fixed properties of a shard.
struct ShardConfig {
  std::string name = "shard";  ///< of its flow table; unique in the process
  flow::ShardSizes sizes;
  tcp::Secret secret{};  ///< random: keys hashes, sequence numbers and SYN cookies
  HugePages pages = HugePages::auto_;
  std::vector<link::Interface> interfaces;  ///< one for each port
  flow::OtherCookies cookies;               ///< those of other servers, in a cluster
  ClusterSettings cluster;                  ///< the servers that are asked about unknown flows
  flow::TimeWaitFileSpec time_wait_file;    ///< in which its TIME_WAIT entries outlive the process
};

/// Why connect() opened no connection.
enum class ConnectError : std::uint8_t {
  none,
  table_full,      ///< no block or no room in the flow table
  tuple_in_use,    ///< a live connection has this four-tuple
  time_wait,       ///< a TIME_WAIT entry of ours has it, and the policy does not allow reuse
  time_wait_full,  ///< with on_full: refuse, there might be no TIME_WAIT entry for it
};
struct ConnectResult {
  ConnectError error = ConnectError::none;
  std::uint64_t id = 0;  ///< Conn::id of the connection, if there is no error
};

/// `P` is the type of the ports, `A` that of the app (shard/app.h). Not thread-safe: one core makes
/// all calls, except those that are said to be for any thread.
template <link::Port P, class A>
class Shard {
 public:
  using Frame = typename P::Frame;
  using Settings = Snapshot<typename A::Settings>;

  /// `ports`, `app` and `settings` outlive the shard. There is an interface for each port. The app
  /// was made with its own settings. Fails if there is no memory, with an error that names the
  /// part.
  static Result<std::unique_ptr<Shard>> create(const ShardConfig& config, std::span<P* const> ports,
                                               A& app, const ShardSettings& settings, Instant now);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  /// Handles one burst. Returns the amount of work done; 0 = idle.
  std::size_t poll(Instant now) noexcept;

  /// Active open from key.local() to key.remote(); call it from the app's on_poll. `state` is the
  /// initial Conn::state(). `wake_at` is that of Conn::wake_at, and may come before on_open, so
  /// that the app can limit the time of the handshake. `host`: as if another of the hosts behind
  /// key.local() opened it, with a clock and numbers of its own.
  ConnectResult connect(const FlowKey4& key, const flow::AppState& state,
                        Instant wake_at = Instant::never(), std::uint32_t host = 0) noexcept;
  /// The same over IPv6; one of the interfaces has an address.
  ConnectResult connect(const FlowKey6& key, const flow::AppState& state,
                        Instant wake_at = Instant::never(), std::uint32_t host = 0) noexcept;

  /// More frames wait, probably: a link had a full burst in this poll. For on_poll: what they end
  /// goes before what is begun.
  bool frames_wait() const noexcept { return frames_wait_; }

  /// Prefetches the buckets of four-tuples that connect() will be called with, at most kBurstMax.
  void expect(std::span<const FlowKey4> keys) noexcept;
  /// The same over IPv6; what is made of them is kept for connect() until the next call.
  void expect(std::span<const FlowKey6> keys) noexcept;

  /// From now on received frames are shown to `tap`, with what becomes of each; null: to nobody.
  void watch(FrameTap* tap) noexcept { tap_ = tap; }

  /// Holds TIME_WAIT entries of another server (mayfly state import), and notes what became of
  /// each.
  void adopt(flow::ForeignBatch& batch, Instant now) noexcept;
  /// Announces our addresses on the links (gratuitous ARP, neighbour advertisements).
  void announce(Instant now) noexcept;
  /// From now on SYNs are answered with RST, or as ShardSettings::drain_syns says
  /// (Drop::tcp_draining); open connections go on.
  void drain() noexcept { draining_ = true; }
  /// Resets every open connection. For the end of a drain; not a hot path.
  void abort_all(Instant now) noexcept;
  /// Calls f(Conn&) for every open connection; f may close it. Not a hot path.
  template <class F>
  void for_each(Instant now, F&& f) noexcept;

  /// Replaces the settings of the shard and its app, all at once, at the beginning of the next
  /// poll. Any thread may call it, one at a time. `settings` must not change or end until
  /// settings_number() is higher than its number.
  void use(const Settings& settings) noexcept {
    next_settings_.store(&settings, std::memory_order_release);
  }
  /// The settings in effect.
  const ShardSettings& settings() const noexcept { return *cfg_; }
  /// The number of the settings in effect. The shard no longer uses any with a lower number. Any
  /// thread may call it.
  std::uint64_t settings_number() const noexcept {
    return settings_number_.load(std::memory_order_acquire);
  }

  std::uint32_t open_connections() const noexcept { return connections_.used(); }
  std::uint32_t time_wait_entries() const noexcept { return time_waits_.held(); }
  /// The tables of this core.
  const flow::Connections& connections() const noexcept { return connections_; }
  const flow::TimeWaits& time_waits() const noexcept { return time_waits_; }
  /// When poll() has work next if no frame arrives, or earlier; the app's on_poll included.
  Instant next_due() const noexcept;
  /// Counters; any thread may read them.
  flow::ShardStats& stats() noexcept { return stats_; }
  const flow::ShardStats& stats() const noexcept { return stats_; }
  /// Who does not answer ARP. Any thread.
  const link::ArpSilence& arp_silence() const noexcept { return link_common_.silence; }
  /// Who does not answer neighbour discovery. Any thread.
  const link::NdSilence& nd_silence() const noexcept { return link_common_.silence6; }
  /// Looks for the next hop from `local` to `remote` although nothing is to be sent yet.
  void look_for(Ipv4Address local, Ipv4Address remote, Instant now) noexcept {
    links_[link_of(local)]->look_for(remote, now);
  }
  void look_for(const Ipv6Address& local, const Ipv6Address& remote, Instant now) noexcept {
    links_[link_of(local)]->look_for(remote, now);
  }
  /// An address of ours that somebody else has too. Any thread.
  std::optional<Ipv6Address> duplicate_address() const noexcept {
    return link_common_.duplicate.get();
  }
  /// The next hop from `local` to `remote`, if it does not answer ARP; 0 otherwise.
  Ipv4Address silent_hop(Ipv4Address local, Ipv4Address remote) const noexcept {
    const link::ArpSilence& silence = link_common_.silence;
    Ipv4Address hop;
    if (!links_[link_of(local)]->interface().next_hop(remote, hop)) return {};
    const bool is_silent = silence.gateway.load(std::memory_order_relaxed) == hop.host ||
                           silence.other.load(std::memory_order_relaxed) == hop.host;
    return is_silent ? hop : Ipv4Address{};
  }
  /// The same of neighbour discovery; unspecified: it answers.
  Ipv6Address silent_hop(const Ipv6Address& local, const Ipv6Address& remote) const noexcept {
    const link::NdSilence& silence = link_common_.silence6;
    Ipv6Address hop;
    if (!links_[link_of(local)]->interface().next_hop(remote, hop)) return {};
    const bool is_silent = silence.gateway.get() == hop || silence.other.get() == hop;
    return is_silent ? hop : Ipv6Address{};
  }

 private:
  // What a poll does at most: timers that fire, and that are armed for who waits for a link.
  static constexpr std::uint32_t kTimerBudget = 512, kWatchBudget = 512;
  /// RFC 9293 3.7.1 (MUST-15): the MSS of a peer over IPv6 that says nothing.
  static constexpr std::uint16_t kMss6Unsaid = 1'220;

  struct Arrival {                    // one TCP segment on its way through the shard
    const wire::ParsedFrame& parsed;  // of an IPv6 one, parsed.key is its name (FlowSecret::name)
    std::span<const std::byte> bytes;
    std::uint8_t link;
    std::uint32_t hash;
    const FlowKey6* six = nullptr;  // the four-tuple of an IPv6 one

    std::uint16_t local_port() const noexcept {
      return six != nullptr ? six->local_port_host() : parsed.key.local_port_host();
    }
  };

  struct Opening {  // what the caller of connect() wants of a connection
    const flow::FlowSecret::Names& names;
    const flow::AppState& state;
    Instant wake_at;
    std::uint32_t host;
  };
  struct Flow6 {  // an IPv6 four-tuple with what is made of it
    FlowKey6 key;
    flow::FlowSecret::Names names;
  };
  struct Expected {  // what connect() will be called with, in this order; and another
    std::array<Flow6, kBurstMax> flows;
    Flow6 other;
    std::size_t count = 0, next = 0;
  };

  Shard(const ShardConfig& config, flow::Connections connections, flow::TimeWaitMemory time_waits,
        std::span<P* const> ports, A& app, const ShardSettings& settings, Instant now);

  void follow(const Settings& settings, Instant now) noexcept;

  // receive.h
  std::size_t receive(std::uint8_t link) noexcept;
  bool put_off(std::uint8_t link, std::size_t i, std::uint32_t hash) noexcept;
  std::size_t admit_syns() noexcept;
  void parse_burst(std::uint8_t link, std::size_t count) noexcept;
  void list_burst(std::uint8_t link, std::size_t count, bool behind) noexcept;
  std::uint32_t name_six(std::size_t i, std::span<const std::byte> bytes) noexcept;
  void find_burst() noexcept;
  void handle_burst(std::uint8_t link, std::size_t count) noexcept;
  Drop handle_watched(std::uint8_t link, std::size_t i) noexcept;
  Drop handle_tcp(std::uint8_t link, std::size_t i) noexcept;
  Drop handle_other(std::uint8_t link, std::size_t i) noexcept;
  Drop on_fragment(std::uint8_t link, std::size_t i) noexcept;
  std::int32_t find(const Arrival& a) const noexcept;
  bool is_still_at(const Arrival& a, std::int32_t position) const noexcept;

  // decide.h
  Drop on_tcp(const Arrival& a, std::int32_t position) noexcept;
  Drop decide(const Arrival& a, std::int32_t position) noexcept;
  Drop on_connection(flow::ConnectionBlock& b, const Arrival& a) noexcept;
  tcp::Verdict hear_with_blocks(flow::ConnectionBlock& b, const Arrival& a) noexcept;
  Drop after_abort(flow::ConnectionBlock& b, const Arrival& a) noexcept;
  bool lacks_time_wait_room() const noexcept;
  Drop on_time_wait(std::uint32_t entry, const Arrival& a) noexcept;
  Drop on_icmp_report(const link::IcmpReport& report) noexcept;
  Drop on_icmp6_report(const link::Icmp6Report& report) noexcept;
  Drop on_icmp_error_of(std::int32_t position, const tcp::IcmpError& error, Seq quoted) noexcept;
  Drop on_unknown_flow(const Arrival& a) noexcept;
  Drop on_listener(const Arrival& a) noexcept;
  Drop on_closed_port(const Arrival& a, Drop reason) noexcept;
  bool is_listening(const Arrival& a) const noexcept;
  Drop objection_to(const Arrival& a) const noexcept;
  Drop on_syn(const Arrival& a) noexcept;
  Drop on_syn_while_draining(const Arrival& a) noexcept;
  flow::ConnectionBlock* make_passive(const Arrival& a) noexcept;
  void accept(flow::ConnectionBlock& b, const Arrival& a, Seq iss) noexcept;
  Drop reopen(std::uint32_t entry, const Arrival& a, bool by_timestamp) noexcept;
  Drop on_cookie(const Arrival& a, const flow::HalfOpens::Redeemed& cookie) noexcept;
  bool answer(const Arrival& a, const Emission& e) noexcept;
  void limit_mss(flow::ConnectionBlock& b) noexcept;
  Seq initial_sequence(const Arrival& a) const noexcept {
    return secret_.initial_sequence(a.parsed.key, now_);  // of an IPv6 segment it is the name
  }
  std::uint32_t timestamp_offset(const Arrival& a) const noexcept {
    return a.six != nullptr ? secret_.timestamp_offset(*a.six)
                            : secret_.timestamp_offset(a.parsed.key);
  }
  Drop objection_to_ends(const Arrival& a) const noexcept;
  template <class Key>
  flow::ConnectionBlock* open_block(const Key& key, std::uint32_t hash, std::uint8_t link) noexcept;
  template <class Address>
  std::uint8_t link_of(const Address& local) const noexcept;
  template <class Key>
  ConnectResult open_to(const Key& key, const FlowKey6* six, std::uint8_t link,
                        const Opening& opening) noexcept;
  const Flow6& flow_of(const FlowKey6& key) noexcept;
  template <class Key, class KeyOf, class NameOf>
  void prefetch_flows(std::size_t count, KeyOf&& key_of, NameOf&& name_of) noexcept;

  // second_chance.h
  void watch_members(const ClusterSettings& cluster);
  /// Tells of a member whether it is on our link and does not answer there.
  auto silent_member() const noexcept {
    return [&l = *links_[ring_link_]](const Ipv6Address& member) { return l.is_silent(member); };
  }
  std::optional<Drop> pass_on(const Arrival& a) noexcept;
  std::optional<Drop> second_chance(const Arrival& a) noexcept;
  std::optional<Drop> pass_on_by_handshake(const flow::ConnectionBlock& b,
                                           const Arrival& a) noexcept;
  std::optional<Drop> pass_on_by_time_wait(std::uint32_t entry, const Arrival& a) noexcept;
  std::optional<Drop> on_ip_in_ip(std::uint8_t link, std::size_t i) noexcept;
  Drop decide_inner(std::uint8_t link, std::size_t i, std::span<const std::byte> bytes) noexcept;
  Drop on_balanced(std::uint8_t link, std::size_t i, std::span<const std::byte> bytes) noexcept;

  // deliver.h
  void on_events(flow::ConnectionBlock& b, const FlowKey4& name, std::uint16_t events) noexcept;
  void on_established(flow::ConnectionBlock& b, const FlowKey4& name) noexcept;
  void on_acked(flow::ConnectionBlock& b) noexcept;
  Drop take_segment_text(flow::ConnectionBlock& b, const Arrival& a,
                         const tcp::Verdict& v) noexcept;
  Drop hold_segment_text(flow::ConnectionBlock& b, Seq at,
                         std::span<const std::byte> text) noexcept;
  void deliver_kept(flow::ConnectionBlock& b) noexcept;
  void after_app(flow::ConnectionBlock& b) noexcept;
  FlowKey4 name_of(const flow::ConnectionBlock& b) const noexcept {
    return connections_.is_ipv6(b) ? secret_.name(connections_.key6_of(b)) : connections_.key_of(b);
  }
  const FlowKey6* six_of(const flow::ConnectionBlock& b) const noexcept {
    return connections_.is_ipv6(b) ? &connections_.key6_of(b) : nullptr;
  }
  void enter_time_wait(flow::ConnectionBlock& b, const FlowKey4& name) noexcept;
  void take_over(flow::ConnectionBlock& b, const FlowKey4& name) noexcept;
  void finish(flow::ConnectionBlock& b, flow::CloseReason reason) noexcept;
  void evict(flow::ConnectionBlock& b) noexcept;
  void share_send_pools() noexcept;
  bool lend_record(flow::ConnectionBlock& b) noexcept;
  bool reserve_receive_buffer(flow::ConnectionBlock& b) noexcept;
  void on_block_timer(flow::ConnectionBlock& b) noexcept;
  void on_deadline(flow::ConnectionBlock& b) noexcept;
  void suspect_peer_of(const flow::ConnectionBlock& b) noexcept;
  static flow::CloseReason reason_of(std::uint16_t events) noexcept;

  // respond.h
  void respond() noexcept;
  void respond_on(std::uint8_t link) noexcept;
  void count_state(flow::ConnectionBlock& b) noexcept;
  void respond_with_reset(flow::ConnectionBlock& b) noexcept;
  void send_owed_reset(flow::ConnectionBlock& b) noexcept;
  bool send_pending(flow::ConnectionBlock& b) noexcept;
  bool send(std::uint8_t link, const FlowKey4& key, const Emission& e) noexcept;
  bool send_six(std::uint8_t link, const FlowKey6& key, const Emission& e) noexcept;
  bool send_of(const flow::ConnectionBlock& b, const Emission& e) noexcept;
  template <class CopyPayload>
  bool send_with(const flow::ConnectionBlock& b, const Emission& e,
                 CopyPayload&& copy_payload) noexcept;
  bool send_reset(const Arrival& a, bool is_limited = true) noexcept;
  std::size_t transmit() noexcept;

  // What every poll touches comes first.
  [[no_unique_address]] PollClock clock_;
  Instant now_;
  const ShardSettings* cfg_;
  A& app_;
  bool draining_ = false;
  flow::FlowSecret secret_;
  flow::Connections connections_;
  Burst<Frame> burst_;
  SynBacklog syn_backlog_;
  Expected expected_;
  flow::ShardStats stats_;
  flow::TimeWaits time_waits_;
  flow::HalfOpens half_opens_;
  flow::Orphans orphans_;
  flow::IdleHolders idle_holders_;
  link::LinkCommon link_common_;
  std::vector<std::unique_ptr<link::Link<P>>> links_;
  bool frames_wait_ = false;
  FrameTap* tap_ = nullptr;
  RateLimit rst_limit_{20'000, 2'000};
  ClusterRing ring_;
  std::optional<Prefix> balancers_;
  std::uint8_t ring_link_ = 0;           // on which the other servers are
  std::optional<ClusterRing::Way> way_;  // of the segment at hand, if another server sent it on
  RateLimit ring_limit_{20'000, 2'000};  // as resets, which these segments would get
  SecretLimit challenge_limit_;
  const Settings* settings_ = nullptr;  // contains *cfg_; null: the initial settings
  std::atomic<const Settings*> next_settings_{nullptr};
  std::atomic<std::uint64_t> settings_number_{0};
};

template <link::Port P, class A>
Shard<P, A>::Shard(const ShardConfig& config, flow::Connections connections,
                   flow::TimeWaitMemory time_waits, std::span<P* const> ports, A& app,
                   const ShardSettings& settings, Instant now)
    : now_(now),
      cfg_(&settings),
      app_(app),
      secret_(config.secret),
      connections_(std::move(connections)),
      syn_backlog_(ports.size(),
                   std::ranges::any_of(config.interfaces, &link::Interface::has_ipv6)),
      time_waits_(std::move(time_waits), secret_, settings.time_wait, stats_, now),
      half_opens_(secret_, settings.syn, connections_.capacity(), stats_, config.cookies),
      orphans_(connections_, settings.orphans, stats_),
      idle_holders_(connections_),
      link_common_({.tx_packets = stats_.tx_packets,
                    .tx_bytes = stats_.tx_bytes,
                    .arp_requests = stats_.arp_requests,
                    .arp_replies = stats_.arp_replies,
                    .arp_limited = stats_.arp_limited,
                    .arp_conflicts = stats_.arp_conflicts,
                    .nd_solicitations = stats_.nd_solicitations,
                    .nd_advertisements = stats_.nd_advertisements,
                    .nd_limited = stats_.nd_limited,
                    .nd_conflicts = stats_.nd_conflicts,
                    .nd_duplicates = stats_.nd_duplicates,
                    .icmp_sent = stats_.icmp_sent,
                    .drops = stats_.drops},
                   link::LinkSecret(config.secret)),
      challenge_limit_(1'000, config.secret) {
  connections_.set_clock(now, settings.tcp);
  for (std::size_t i = 0; i < ports.size(); ++i)
    links_.push_back(
        std::make_unique<link::Link<P>>(*ports[i], config.interfaces[i], link_common_));
  const auto has = [](const auto& link, const Ipv6Address& a) {
    return a.is_ipv4_mapped() ? link->interface().is_local(Ipv4Address{a.low()})
                              : link->interface().is_local(a);
  };
  balancers_ = config.cluster.decapsulate_from;
  for (const auto& link : links_) link->leave_room_for(config.cluster.outer_header());
  ring_ = ClusterRing(config.cluster, [&](const Ipv6Address& member) {
    const auto link = std::ranges::find_if(links_, [&](auto& l) { return has(l, member); });
    if (link == links_.end()) return false;
    ring_link_ = static_cast<std::uint8_t>(link - links_.begin());
    return true;
  });
  watch_members(config.cluster);
}

template <link::Port P, class A>
Result<std::unique_ptr<Shard<P, A>>> Shard<P, A>::create(const ShardConfig& config,
                                                         std::span<P* const> ports, A& app,
                                                         const ShardSettings& settings,
                                                         Instant now) {
  static_assert(App<A, Shard>, "a hook of the app is missing or misspelt: see shard/app.h");
  MAYFLY_ASSERT(!ports.empty() && ports.size() == config.interfaces.size());
  MAYFLY_ASSERT(ports.size() <= std::numeric_limits<std::uint8_t>::max());
  auto time_waits =
      flow::TimeWaitMemory::create(config.sizes.time_wait, config.pages, config.time_wait_file);
  if (!time_waits) return time_waits.error();
  flow::ShardSizes sizes = config.sizes;
  sizes.ipv6 = std::ranges::any_of(config.interfaces, &link::Interface::has_ipv6);
  auto connections = flow::Connections::create(config.name, sizes, flow::FlowSecret(config.secret),
                                               config.pages, now);
  if (!connections) return connections.error();
  return std::unique_ptr<Shard>(new Shard(config, std::move(*connections), std::move(*time_waits),
                                          ports, app, settings, now));
}

}  // namespace mayfly::shard

#include "shard/decide.h"         // IWYU pragma: export
#include "shard/deliver.h"        // IWYU pragma: export
#include "shard/poll.h"           // IWYU pragma: export
#include "shard/receive.h"        // IWYU pragma: export
#include "shard/respond.h"        // IWYU pragma: export
#include "shard/second_chance.h"  // IWYU pragma: export
