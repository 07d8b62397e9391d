// Two shards over a wire that loses, repeats, damages and reorders, from seeds: whatever the wire
// does, every connection completes or is reported, text arrives as it was sent, and at the end
// nothing is left.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/prng.h"
#include "link/fault_port.h"
#include "shard/shard.h"
#include "support/mem_port.h"
#include "support/wire.h"

namespace mayfly::testing {
namespace {

using flow::CloseReason;

using FaultyPort = link::FaultPort<MemPort>;

/// What one soak is like; all of it follows from the seed.
struct Weather {
  explicit Weather(std::uint64_t seed) {
    Prng random(seed);
    const auto up_to = [&](double most) {
      return most * static_cast<double>(random.below(1'000)) / 1'000;
    };
    faults = {.loss = up_to(0.1), .duplicate = up_to(0.05), .reorder = up_to(0.1), .seed = seed};
    if (random.chance(0.5)) faults.corrupt = up_to(0.03);
    faults.delay = Duration{static_cast<std::int64_t>(random.below(3'000))};
    faults.jitter = Duration{static_cast<std::int64_t>(random.below(1'000))};
    server_closes = random.chance(0.5);
    chunks = random.chance(0.3) ? 2 : 64;
    receive_buffers = static_cast<std::uint32_t>(random.below(9));
    settings.tcp.timestamps = random.chance(0.5);
    settings.tcp.sack = random.chance(0.5);
    settings.tcp.keep_alive = {true, 20_s, 5_s, 3};  // a peer may have given up unheard
    settings.tcp.retries = 8;
    settings.time_wait.hold = Duration::from_ms(static_cast<std::int64_t>(random.below(3'000)));
    settings.time_wait.capacity = random.chance(0.3) ? 4 : 1'000;
    settings.time_wait.on_full = static_cast<flow::TimeWaitPolicy::OnFull>(random.below(3));
    settings.time_wait.reuse = static_cast<std::uint8_t>(random.below(2));
  }
  /// No reason for any connection to fail. Damaged ARP misleads for a minute, as it has no
  /// checksum; a text that finds no room each time it is sent ends in a time-out.
  bool is_fair() const { return faults.corrupt == 0 && chunks > 2; }

  link::FaultSettings faults;
  shard::ShardSettings settings;
  bool server_closes = false;
  std::uint32_t chunks = 64, receive_buffers = 8;
};

/// What both ends keep in the words of a connection.
enum Word { kLength, kSent, kHeard };

/// A request is its own length (four bytes) and noise that follows from the length; the answer is
/// the same.
std::byte byte_at(std::uint64_t length, std::uint64_t at) {
  if (at < 4) return static_cast<std::byte>(length >> 8 * at & 0xff);
  return static_cast<std::byte>((length * 31 + at * at) & 0xff);
}

/// Sends back what it hears; takes what it has room for.
struct EchoServer : shard::AppBase {
  using AppBase::on_drain, AppBase::finished;
  using AppBase::on_poll, AppBase::next_due, AppBase::on_settings, AppBase::stop;
  bool listens(std::uint16_t port) const noexcept { return port == 80; }
  template <class Conn>
  void on_open(Conn&) noexcept {}
  template <class Conn>
  std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept {
    const std::size_t taken = c.send_copy(text);
    if (taken < text.size())
      c.wake_at(c.now() + 50_ms);  // chunks may be short, with nothing on its way
    auto& word = c.state().word;
    for (const std::byte b : text.first(taken)) {
      if (word[kHeard] < 4) word[kLength] |= std::to_integer<std::uint64_t>(b) << 8 * word[kHeard];
      ++word[kHeard];
    }
    if (closes && word[kHeard] >= 4 && word[kHeard] >= word[kLength]) c.close();
    return taken;
  }
  template <class Conn>
  void on_sent(Conn&) noexcept {}
  template <class Conn>
  void on_peer_closed(Conn& c) noexcept {
    c.close();
  }
  template <class Conn>
  void on_wake(Conn&) noexcept {}
  template <class Conn>
  void on_closed(Conn&, CloseReason) noexcept {}

  bool closes = false;
};

/// Opens connections one by one; each sends a request and compares the answer.
struct Client : shard::AppBase {
  using AppBase::listens, AppBase::next_due, AppBase::on_settings, AppBase::stop;
  using AppBase::on_drain, AppBase::finished;
  static constexpr unsigned kConnections = 40;

  template <class S>
  void on_poll(S& shard, Instant now) noexcept {
    if (opened == kConnections || now < next_open) return;
    next_open = now + 1_ms;
    flow::AppState state;
    state.word[kLength] = 4 + random.below(5'000);
    const auto port = static_cast<std::uint16_t>(2'000 + random.below(kConnections / 2));
    const auto key = FlowKey4::of({0xc612'0101}, port, {0xc612'0001}, 80);
    const shard::ConnectResult made = shard.connect(key, state);
    if (made.error == shard::ConnectError::none) ++opened;
  }
  template <class Conn>
  void on_open(Conn& c) noexcept {
    send_more(c);
  }
  template <class Conn>
  void on_sent(Conn& c) noexcept {
    send_more(c);
  }
  template <class Conn>
  void on_wake(Conn& c) noexcept {
    send_more(c);
  }
  template <class Conn>
  std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept {
    auto& word = c.state().word;
    for (const std::byte b : text) damaged += b == byte_at(word[kLength], word[kHeard]++) ? 0 : 1;
    if (word[kHeard] >= word[kLength]) c.close();
    return text.size();
  }
  template <class Conn>
  void on_peer_closed(Conn& c) noexcept {
    c.close();
  }
  template <class Conn>
  void on_closed(Conn& c, CloseReason why) noexcept {
    ++closed;
    const auto& word = c.state().word;
    const bool well = why == CloseReason::done || why == CloseReason::time_wait;
    if (word[kHeard] == word[kLength])
      return;  // a reset that meets the last ACK takes nothing away
    if (well) ++cut_short;
    if (!well) failed.push_back(why);
  }
  template <class Conn>
  void send_more(Conn& c) noexcept {
    auto& word = c.state().word;
    while (word[kSent] < word[kLength]) {
      const std::size_t n = std::min<std::size_t>(piece.size(), word[kLength] - word[kSent]);
      for (std::size_t i = 0; i < n; ++i) piece[i] = byte_at(word[kLength], word[kSent] + i);
      const std::size_t taken = c.send_copy(std::span(piece).first(n));
      word[kSent] += taken;
      if (taken < n) return c.wake_at(c.now() + 50_ms);
    }
  }

  std::vector<std::byte> piece =
      std::vector<std::byte>(256);  ///< of a request, on its way into the queue
  Prng random{1};
  Instant next_open;
  unsigned opened = 0, closed = 0, cut_short = 0;
  std::vector<CloseReason> failed;
  std::uint64_t damaged = 0;
};

class Soak {
 public:
  explicit Soak(std::uint64_t seed) : weather_(seed) {
    MemPort::join(server_port_.inner(), client_port_.inner());
    server_app_.closes = weather_.server_closes;
    client_app_.random = Prng(seed);
    server_ = make<EchoServer>(0xc612'0001, 1, server_port_, server_app_);
    client_ = make<Client>(0xc612'0101, 2, client_port_, client_app_);
  }

  /// Until all connections have ended and been forgotten, or too much time has passed.
  bool run() {
    const Instant end = now_ + 3'600_s;
    while (now_ < end) {
      client_->poll(now_);
      server_->poll(now_);
      server_port_.inner().sent.clear();
      client_port_.inner().sent.clear();
      if (is_over()) return true;
      now_ = next_instant();
    }
    return false;
  }

  void expect_nothing_left() {
    EXPECT_EQ(client_app_.closed, client_app_.opened) << "an end was not reported";
    EXPECT_EQ(client_app_.cut_short, 0u);
    EXPECT_EQ(client_app_.damaged, 0u);
    if (weather_.is_fair()) {
      EXPECT_EQ(client_app_.failed, std::vector<CloseReason>{});
    }
    expect_empty(*server_);
    expect_empty(*client_);
    server_.reset();
    client_.reset();
    EXPECT_EQ(server_port_.inner().buffers, MemPort().buffers);
    EXPECT_EQ(client_port_.inner().buffers, MemPort().buffers);
  }

 private:
  template <class App>
  std::unique_ptr<shard::Shard<FaultyPort, App>> make(std::uint32_t address, std::uint8_t station,
                                                      FaultyPort& port, App& app) {
    shard::ShardConfig config;
    config.name = "soak" + std::to_string(station);
    config.sizes = {.connections = 200,
                    .time_wait = 200,
                    .chunks = weather_.chunks,
                    .receive_buffers = weather_.receive_buffers};
    config.secret = {1, station};
    config.pages = HugePages::never;
    link::Interface interface;
    interface.mac = {{2, 0, 0, 0, 0, station}};
    interface.addresses = {{{address}, {address}, 15}};
    config.interfaces = {interface};
    FaultyPort* const ports[] = {&port};
    auto shard = shard::Shard<FaultyPort, App>::create(config, ports, app, weather_.settings, now_);
    EXPECT_TRUE(shard);
    return std::move(*shard);
  }
  bool is_over() {
    const auto is_empty = [](const auto& s) {
      return s.connections().table().used() == 0 && s.open_connections() == 0 &&
             s.time_wait_entries() == 0;
    };
    return client_app_.opened == Client::kConnections && is_empty(*client_) && is_empty(*server_) &&
           wire_due().is_never() && nothing_arrived();
  }
  bool nothing_arrived() {
    return server_port_.inner().arrived.empty() && client_port_.inner().arrived.empty();
  }
  Instant wire_due() const { return std::min(server_port_.next_due(), client_port_.next_due()); }

  /// Time jumps over what is idle, but not over what the shards do every few milliseconds.
  Instant next_instant() {
    if (!nothing_arrived()) return now_ + 100_us;
    const Instant due = std::min({server_->next_due(), client_->next_due(), wire_due()});
    return std::clamp(due, now_ + 100_us, now_ + 10_ms);
  }
  template <class S>
  static void expect_empty(const S& shard) {
    const flow::Connections& connections = shard.connections();
    EXPECT_EQ(connections.used(), 0u);
    EXPECT_EQ(shard.time_wait_entries(), 0u);
    EXPECT_EQ(connections.tx().extents.used(), 0u);
    EXPECT_EQ(connections.tx().chunks.used(), 0u);
    EXPECT_EQ(connections.rx().used(), 0u);
    EXPECT_EQ(connections.table().used(), 0u);
  }

  Weather weather_;
  Instant now_{1'000'000};
  FaultyPort server_port_{MemPort{}, weather_.faults}, client_port_{MemPort{}, weather_.faults};
  EchoServer server_app_;
  Client client_app_;
  std::unique_ptr<shard::Shard<FaultyPort, EchoServer>> server_;
  std::unique_ptr<shard::Shard<FaultyPort, Client>> client_;
};

class ShardSoak : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(ShardSoak, EveryConnectionCompletesOrIsReportedAndNothingIsLeft) {
  constexpr std::uint64_t kSeeds = 20;
  for (std::uint64_t seed = GetParam(); seed < GetParam() + kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Soak soak(seed);
    ASSERT_TRUE(soak.run()) << "still something open after an hour";
    soak.expect_nothing_left();
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, ShardSoak, ::testing::Range<std::uint64_t>(1, 201, 20));

}  // namespace
}  // namespace mayfly::testing
