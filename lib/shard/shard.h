// One core's engine: frames in, the TCP core and the app in the middle, frames out. It shares
// nothing with other cores but a settings snapshot and counters that are read relaxed; it takes no
// lock and allocates nothing.
//
// A burst, in poll():  receive -> parse -> find in bulk -> decide in arrival order -> deliver to
// the app -> respond, once for each touched connection -> expire timers -> transmit. The parts of
// the class are in shard_receive.h, shard_connection.h, shard_half_open.h, shard_time_wait.h,
// shard_hold.h and shard_send.h. What lies below TCP is a Link for each port.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/rate_limit.h"
#include "flow/hold_balance.h"
#include "flow/metrics.h"
#include "link/link.h"
#include "shard/app.h"
#include "shard/settings.h"
#include "shard/shard_memory.h"
#include "tcp/syn_cookie.h"
#include "tcp/tcp.h"
#include "tcp/time_wait.h"
#include "timer/wheel.h"
#include "wire/emit.h"

namespace mayfly {

/// What a shard is made with.
struct ShardConfig {
  std::string name = "shard";  ///< unique in the process
  ShardSizes sizes;
  Secret secret{};
  HugePages pages = HugePages::auto_;
  std::vector<Interface> interfaces;  ///< one for each port
  std::vector<std::uint16_t> listen;  ///< TCP ports with a service
};

enum class ConnectError : std::uint8_t {
  none,
  table_full,      ///< no block or no room in the flow table
  tuple_in_use,    ///< a live connection has this four-tuple
  time_wait,       ///< our own TIME_WAIT entry holds it, and the policy does not allow its reuse
  time_wait_full,  ///< no entry would be left for it, and the policy says refuse
};
struct ConnectResult {
  ConnectError error = ConnectError::none;
  std::uint64_t id = 0;
};

template <Port P, class A>
class Shard {
 public:
  using Frame = typename P::Frame;
  class Conn;

  /// `ports`, `app` and `settings` outlive the shard.
  static Result<std::unique_ptr<Shard>> create(const ShardConfig& config, std::span<P* const> ports,
                                               A& app, const ShardSettings& settings, Instant now);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  /// One burst. Returns how much there was to do; 0 = idle.
  std::size_t poll(Instant now) noexcept;

  /// Active open from key.local; call it from the app's on_poll. `wake_at`: as of Conn, so that the
  /// app can bound the handshake too.
  ConnectResult connect(const FlowKey4& key, const AppState& state,
                        Instant wake_at = Instant::never()) noexcept;

  /// Flows that connect() will be asked for soon, at most kBurstMax: one bulk look-up now brings
  /// the table's cold buckets into the cache, all misses at once.
  void expect(std::span<const FlowKey4> keys) noexcept;

  /// Tells the link our addresses (gratuitous ARP).
  void announce(Instant now) noexcept;
  /// From now on SYNs are dropped (Drop::tcp_draining); open connections go on.
  void drain() noexcept { draining_ = true; }
  /// Resets every open connection. For the end of a drain; not a hot path.
  void abort_all(Instant now) noexcept;
  /// Calls f(Conn&) for every open connection; f may close it. Not a hot path.
  template <class F>
  void for_each(Instant now, F&& f) noexcept;

  /// Takes effect at the next poll. Any thread; `settings` must stay as it is until another one
  /// took over.
  void use(const ShardSettings& settings) noexcept {
    next_settings_.store(&settings, std::memory_order_release);
  }

  std::uint32_t open_connections() const noexcept { return memory_.blocks.used(); }
  std::uint32_t time_wait_entries() const noexcept { return memory_.time_waits.used(); }
  /// How much of it is in use; for the core that polls, or when nobody does.
  const ShardMemory& memory() const noexcept { return memory_; }
  /// The next instant at which poll() has something to do without a frame arriving.
  Instant next_due() const noexcept;
  /// Counters; any thread may read them.
  ShardStats& stats() noexcept { return stats_; }
  const ShardStats& stats() const noexcept { return stats_; }

 private:
  static constexpr std::uint32_t kTimerBudget = 512;   // timers a poll, so that no burst is stalled
  static constexpr std::uint32_t kExpiryBudget = 512;  // TIME_WAIT entries a poll
  static constexpr std::uint32_t kShortenBudget = 256;  // looked at a poll after the hold shrank

  struct Burst {  // what is known of the frames of one receive call
    std::array<Frame, kBurstMax> frames;
    std::array<ParsedFrame, kBurstMax> parsed;
    std::array<const FlowKey4*, kBurstMax> keys;
    std::array<std::uint32_t, kBurstMax> hashes;
    std::array<std::int32_t, kBurstMax> positions;
    std::array<std::uint8_t, kBurstMax> look_up;   // frame -> its place in keys, hashes, positions
    std::array<std::uint8_t, kBurstMax> missed;    // places without a live connection
    std::array<std::uint32_t, kBurstMax> created;  // hashes of the flows made in this burst
    std::size_t created_count = 0;
    std::uint32_t epoch = 0;
  };
  struct Arrival {  // one TCP segment on its way through the shard
    const ParsedFrame& parsed;
    std::span<const std::byte> bytes;
    std::uint8_t link;
    std::uint32_t hash;
  };
  struct BlockNodes {
    Slab<ConnectionBlock>& slab;
    WheelNode& wheel_node(std::uint32_t i) noexcept { return slab[i].tcp.timer; }
  };

  Shard(const ShardConfig& config, ShardMemory memory, std::span<P* const> ports, A& app,
        const ShardSettings& settings, Instant now);

  // shard_receive.h
  std::size_t receive(std::uint8_t link) noexcept;
  void parse_burst(std::uint8_t link, std::size_t count) noexcept;
  void find_burst(std::size_t look_ups) noexcept;
  void handle_burst(std::uint8_t link, std::size_t count) noexcept;
  void handle(std::uint8_t link, std::size_t i) noexcept;
  void on_tcp(const Arrival& a, std::int32_t position) noexcept;
  void dispatch(const Arrival& a, std::int32_t position) noexcept;
  std::int32_t find_again(const FlowKey4& key, std::uint32_t hash,
                          std::int32_t position) const noexcept;
  void on_unknown_flow(const Arrival& a) noexcept;
  void on_closed_port(const Arrival& a, Drop reason) noexcept;
  bool is_listening(const Arrival& a) noexcept;
  void on_fragment(std::uint8_t link, std::size_t i) noexcept;
  Drop on_icmp_report(const IcmpReport& report) noexcept;

  // shard_half_open.h
  void count_half_open(std::int32_t change) noexcept;
  void end_half_open(ConnectionBlock& b) noexcept;
  bool spares_block(const Arrival& a) noexcept;
  void send_cookie(const Arrival& a) noexcept;
  bool accept_cookie(const Arrival& a) noexcept;
  bool is_given_up(const ConnectionBlock& b) const noexcept;

  // shard_connection.h
  Drop objection_to(const Arrival& a, bool reopens) noexcept;
  ConnectionBlock* make_passive(const Arrival& a) noexcept;
  bool accept(const Arrival& a, std::uint32_t time_wait_record) noexcept;
  ConnectionBlock* open_block(const FlowKey4& key, std::uint32_t hash, std::uint8_t link) noexcept;
  std::uint8_t link_of(Ipv4Address local) const noexcept;
  void on_connection(ConnectionBlock& b, const Arrival& a) noexcept;
  void on_events(ConnectionBlock& b, std::uint16_t events) noexcept;
  void on_established(ConnectionBlock& b) noexcept;
  void on_acked(ConnectionBlock& b) noexcept;
  void take_segment_text(ConnectionBlock& b, const Arrival& a, const Verdict& v) noexcept;
  void hold_segment_text(ConnectionBlock& b, Seq at, std::span<const std::byte> text) noexcept;
  std::uint32_t keep_text(ConnectionBlock& b, Seq at, std::span<const std::byte> text) noexcept;
  void deliver_kept(ConnectionBlock& b) noexcept;
  void after_app(ConnectionBlock& b) noexcept;
  void announce_text(ConnectionBlock& b) noexcept;
  void finish(ConnectionBlock& b, CloseReason reason) noexcept;
  void on_block_timer(std::uint32_t index) noexcept;
  static CloseReason reason_of(std::uint16_t events) noexcept;

  // shard_time_wait.h
  void enter_time_wait(ConnectionBlock& b) noexcept;
  bool make_time_wait(ConnectionBlock& b) noexcept;
  bool make_room() noexcept;
  void take_over(ConnectionBlock& b) noexcept;
  void on_time_wait(std::uint32_t index, const Arrival& a) noexcept;
  void reopen(std::uint32_t index, const Arrival& a, bool by_timestamp) noexcept;
  void forget_record(ConnectionBlock& b) noexcept;
  void restore_record(ConnectionBlock& b) noexcept;
  bool may_reuse(const FlowKey4& key, const TimeWaitRecord& old) const noexcept;
  bool is_recycled_away(const Arrival& a) const noexcept;
  bool would_overfill() const noexcept;

  // shard_hold.h
  void follow_policy(const ShardSettings& before) noexcept;
  Duration hold_for(const FlowKey4& key) const noexcept;
  Duration hold_for(const ConnectionBlock& b, const FlowKey4& key) noexcept;
  std::uint32_t time_wait_limit() const noexcept {
    return std::min(cfg_->time_wait.capacity, memory_.time_waits.capacity());
  }
  void end_time_wait(std::uint32_t index) noexcept;
  std::size_t expire_time_waits() noexcept;
  void end_time_waits(std::span<const std::uint32_t> indices) noexcept;
  std::size_t shorten_holds() noexcept;
  void balance_hold() noexcept;
  void set_hold(Duration hold) noexcept;

  // shard_send.h
  void want_output(ConnectionBlock& b) noexcept;
  void respond() noexcept;
  bool send_pending(ConnectionBlock& b) noexcept;
  void arm(ConnectionBlock& b) noexcept;
  bool send(std::uint8_t link, const FlowKey4& key, const Emission& e, const TxQueue* tx) noexcept;
  bool send_reset(const Arrival& a) noexcept;
  std::size_t transmit() noexcept;
  std::uint32_t ts_offset_of(const FlowKey4& key) const noexcept;
  Seq iss_for(const FlowKey4& key) const noexcept;

  std::uint32_t index_of(const ConnectionBlock& b) const noexcept {
    return static_cast<std::uint32_t>(&b - &memory_.blocks[0]);
  }
  const FlowKey4& key_of(const ConnectionBlock& b) const noexcept {
    return memory_.table.key(b.tcp.slot);
  }
  /// The fate of the frame that is being handled; the first word on it counts.
  void drop(Drop reason) noexcept {
    MAYFLY_ASSERT(concerns_received(reason));
    if (fate_ == Drop::none) fate_ = reason;
  }

  // What every poll touches comes first.
  Instant now_;
  const ShardSettings* cfg_;
  A& app_;
  ShardMemory memory_;
  std::uint32_t pending_first_ = kNoIndex, pending_last_ = kNoIndex;
  bool draining_ = false;
  bool pressed_ = false;         // too many handshakes are under way
  Drop fate_ = Drop::none;       // of the frame that is being handled; none: it was acted on
  std::uint32_t half_open_ = 0;  // passive opens in SYN_RECEIVED
  Instant cookies_until_;        // no cookie under way is good for longer
  Secret secret_;
  TimerWheel timers_;
  Duration hold_{};        // 2MSL for an entry made now, but for nearness and recycle
  Duration swept_hold_{};  // what all entries were last held against
  std::uint32_t shorten_next_ = kNoIndex;  // the next record to hold against hold_; none: no index
  HoldBalance balance_;
  std::uint64_t balanced_opened_ = 0;  // time_wait_opened at balance_'s last step
  Burst burst_;
  ShardStats stats_;
  LinkCommon link_common_;
  std::vector<std::unique_ptr<Link<P>>> links_;
  std::array<std::uint64_t, 1024> listening_{};  // a bit a port
  RateLimit rst_limit_{20'000, 2'000}, old_ack_limit_{1'000, 100};
  SecretLimit challenge_limit_;
  std::atomic<const ShardSettings*> next_settings_;
};

}  // namespace mayfly

#include "shard/conn.h"              // IWYU pragma: export
#include "shard/shard_connection.h"  // IWYU pragma: export
#include "shard/shard_half_open.h"   // IWYU pragma: export
#include "shard/shard_hold.h"        // IWYU pragma: export
#include "shard/shard_receive.h"     // IWYU pragma: export
#include "shard/shard_send.h"        // IWYU pragma: export
#include "shard/shard_time_wait.h"   // IWYU pragma: export
