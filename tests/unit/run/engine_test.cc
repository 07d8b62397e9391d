// An engine over ports in memory: its cores are stepped by the test, or polled by threads.
#include "run/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/mem_port.h"

namespace mayfly::testing {
namespace {

using flow::Conn;
using run::Command;

constexpr std::uint16_t kPort = 80;

/// A port in memory whose device has dropped something itself.
struct DevicePort : MemPort {
  std::uint64_t drops(Drop why) const noexcept { return why == Drop::ring_full ? missed : 0; }
  link::Exchanged exchanged() const noexcept { return kernel; }
  std::uint64_t missed = 0;
  link::Exchanged kernel;
};
static_assert(link::Port<DevicePort>);

/// Settings that exist as often as `alive` says.
struct Stamp {
  Stamp() : Stamp(0) {}
  explicit Stamp(std::int64_t us) : value(us) { ++alive; }
  Stamp(const Stamp& other) : value(other.value) { ++alive; }
  Stamp& operator=(const Stamp&) = default;
  ~Stamp() { --alive; }

  std::int64_t value;
  static inline std::atomic<int> alive{0};
};

/// Keeps connections open until its end begins; then it closes them.
struct Host : shard::AppBase {
  using Settings = Stamp;
  using AppBase::next_due;

  bool listens(std::uint16_t port) const noexcept { return port == kPort; }
  void on_open(Conn&) noexcept { ++opened; }
  std::size_t on_data(Conn&, std::span<const std::byte> text) noexcept { return text.size(); }
  void on_sent(Conn&) noexcept {}
  void on_peer_closed(Conn& c) noexcept { c.close(); }
  void on_wake(Conn&) noexcept {}
  void on_closed(Conn&, flow::CloseReason) noexcept { ++closed; }
  template <class S>
  void on_poll(S& shard, Instant) noexcept {
    if (stamp != 0 && shard.settings().tcp.delayed_ack.us != stamp) ++torn;
  }
  void on_settings(const Stamp& settings) noexcept {
    if (settings.value < stamp) ++torn;
    stamp = settings.value;
    ++changes;
  }
  void stop(Instant) noexcept { ++stops; }
  void on_drain(Conn& c) noexcept {
    ++drained;
    if (closes_at_drain) c.close();
  }
  bool finished(Instant) const noexcept { return is_finished; }

  unsigned opened = 0, closed = 0, stops = 0, drained = 0, changes = 0, torn = 0;
  std::int64_t stamp = 0;
  bool closes_at_drain = true, is_finished = false;
};

/// Opens connections when it is told to, and closes them when the peer has.
struct Guest : shard::AppBase {
  using AppBase::listens, AppBase::next_due, AppBase::on_settings, AppBase::stop;
  using AppBase::on_drain, AppBase::finished;

  template <class S>
  void on_poll(S& shard, Instant) noexcept {
    for (; to_open > 0; --to_open)
      shard.connect(FlowKey4::of({0xc612'0101}, next_port++, {0xc612'0001}, kPort), {});
  }
  void on_open(Conn&) noexcept { ++opened; }
  std::size_t on_data(Conn&, std::span<const std::byte> text) noexcept { return text.size(); }
  void on_sent(Conn&) noexcept {}
  void on_peer_closed(Conn& c) noexcept { c.close(); }
  void on_wake(Conn&) noexcept {}
  void on_closed(Conn&, flow::CloseReason why) noexcept { closed.push_back(why); }

  unsigned to_open = 0, opened = 0;
  std::uint16_t next_port = 40'000;
  std::vector<flow::CloseReason> closed;
};

shard::ShardConfig config_of(std::uint32_t address, std::uint8_t station) {
  static int made = 0;
  shard::ShardConfig config;
  config.name = "engine" + std::to_string(made++);
  config.sizes = {.connections = 100, .time_wait = 100, .chunks = 16, .receive_buffers = 8};
  config.secret = {1, station};
  config.pages = HugePages::never;
  link::Interface interface;
  interface.mac = {{2, 0, 0, 0, 0, station}};
  interface.addresses = {{{address}, {address}, 15}};
  config.interfaces = {interface};
  return config;
}

using HostEngine = run::Engine<DevicePort, Host>;

std::unique_ptr<HostEngine> engine_of(std::size_t cores) {
  std::vector<run::CoreParts<DevicePort, Host>> parts;
  for (std::size_t i = 0; i < cores; ++i) {
    auto& part = parts.emplace_back();
    part.config = config_of(0xc612'0001, static_cast<std::uint8_t>(10 + i));
    part.ports.push_back(std::make_unique<DevicePort>());
    part.app = std::make_unique<Host>();
  }
  return std::move(*HostEngine::create(std::move(parts), {}, nic::TscClock()));
}

/// One core of an engine, and guests at the other end of its wire; the test turns the clock.
class OneCore : public ::testing::Test {
 protected:
  OneCore() {
    std::vector<run::CoreParts<DevicePort, Host>> parts(1);
    auto port = std::make_unique<DevicePort>();
    port_ = port.get();
    MemPort::join(*port_, guest_port_);
    parts[0].config = config_of(0xc612'0001, 1);
    parts[0].ports.push_back(std::move(port));
    parts[0].app = std::make_unique<Host>();
    engine_ = std::move(*HostEngine::create(std::move(parts), {}, nic::TscClock()));
    MemPort* const ports[] = {&guest_port_};
    guests_ = std::move(*shard::Shard<MemPort, Guest>::create(config_of(0xc612'0101, 2), ports,
                                                              guest_, guest_settings_, now_));
  }
  HostEngine::Core& core() { return *engine_->cores()[0]; }
  Host& host() { return core().app(); }
  /// Both ends are polled every 100 us. False: the core has come to its end.
  bool run_for(Duration span) {
    for (const Instant end = now_ + span; now_ < end; now_ = now_ + 100_us) {
      guests_->poll(now_);
      if (!core().obey(now_)) return false;
      core().poll(now_);
    }
    return true;
  }
  void open(unsigned connections) {
    guest_.to_open = connections;
    run_for(20_ms);
    ASSERT_EQ(engine_->open_connections(), connections);
  }

  Instant now_{1'000'000};
  shard::ShardSettings guest_settings_;
  MemPort guest_port_;
  Guest guest_;
  DevicePort* port_ = nullptr;
  std::unique_ptr<HostEngine> engine_;
  std::unique_ptr<shard::Shard<MemPort, Guest>> guests_;
};

TEST_F(OneCore, TellsTheAppOfADrainOnceAndOfEachOpenConnection) {
  open(3);
  engine_->tell(Command::drain);
  run_for(20_ms);
  EXPECT_EQ(host().stops, 1u);
  EXPECT_EQ(host().drained, 3u);
  EXPECT_EQ(engine_->open_connections(), 0u) << "the app has closed them";
}

TEST_F(OneCore, AcceptsNothingWhileItDrainsAndLeavesOpenConnectionsToTheApp) {
  host().closes_at_drain = false;
  open(2);
  engine_->tell(Command::drain);
  guest_.to_open = 1;
  run_for(100_ms);
  EXPECT_EQ(host().opened, 2u);
  EXPECT_EQ(engine_->open_connections(), 2u);
  EXPECT_GT(engine_->stats()[0].drops[static_cast<std::size_t>(Drop::tcp_draining)].get(), 0u);
}

TEST_F(OneCore, ResetsEveryOpenConnectionWhenItIsToAbort) {
  host().closes_at_drain = false;
  open(3);
  engine_->tell(Command::drain);
  run_for(20_ms);
  engine_->tell(Command::abort);
  run_for(20_ms);
  EXPECT_EQ(engine_->open_connections(), 0u);
  EXPECT_EQ(host().closed, 3u);
  EXPECT_EQ(guest_.closed, std::vector(3, flow::CloseReason::reset));
}

TEST_F(OneCore, ObeysNothingAfterStopAndPollsNoMore) {
  open(1);
  engine_->tell(Command::stop);
  EXPECT_FALSE(run_for(20_ms));
  EXPECT_EQ(engine_->open_connections(), 1u) << "stop alone resets nothing";
}

TEST_F(OneCore, GoesByOtherSettingsFromTheNextPollWhileConnectionsAreOpen) {
  open(2);
  shard::ShardSettings changed;
  changed.tcp.delayed_ack = 7_us;
  engine_->use(changed, Stamp(7));
  EXPECT_FALSE(engine_->settled());
  EXPECT_EQ(host().changes, 0u);
  run_for(1_ms);
  EXPECT_TRUE(engine_->settled());
  EXPECT_EQ(host().changes, 1u) << "once, not at each poll";
  EXPECT_EQ(host().torn, 0u);
  EXPECT_EQ(engine_->open_connections(), 2u);
}

TEST_F(OneCore, MayMissSettingsThatOthersFollowBeforeItPolls) {
  engine_->use({.tcp = {.delayed_ack = 1_us}}, Stamp(1));
  engine_->use({.tcp = {.delayed_ack = 2_us}}, Stamp(2));
  EXPECT_EQ(engine_->settings_kept(), 2u) << "the core may be about to take either";
  run_for(1_ms);
  EXPECT_EQ(host().changes, 1u);
  EXPECT_EQ(host().stamp, 2);
  engine_->use({.tcp = {.delayed_ack = 3_us}}, Stamp(3));
  EXPECT_EQ(engine_->settings_kept(), 2u) << "the first is freed";
}

TEST_F(OneCore, SaysWhenTheAppHasNothingLeftToDo) {
  run_for(1_ms);
  EXPECT_FALSE(engine_->finished());
  host().is_finished = true;
  run_for(1_ms);
  EXPECT_TRUE(engine_->finished());
}

TEST_F(OneCore, CountsWhatItsDevicesDropped) {
  port_->missed = 5;
  EXPECT_EQ(engine_->stats()[0].drops[static_cast<std::size_t>(Drop::ring_full)].get(), 5u);
}

TEST_F(OneCore, CountsWhatItsDevicesExchangedWithTheKernel) {
  port_->kernel = {.to_kernel = 3, .from_kernel = 4};
  const flow::ShardStats stats = engine_->stats()[0];
  EXPECT_EQ(stats.exception_to_kernel.get(), 3u);
  EXPECT_EQ(stats.exception_from_kernel.get(), 4u);
}

TEST(AnEngine, IsFinishedWhenAllItsAppsAre) {
  const auto engine = engine_of(2);
  const auto poll = [&] {
    for (auto& core : engine->cores()) core->poll(Instant{1'000'000});
  };
  engine->cores()[0]->app().is_finished = true;
  poll();
  EXPECT_FALSE(engine->finished());
  engine->cores()[1]->app().is_finished = true;
  poll();
  EXPECT_TRUE(engine->finished());
}

/// Threads that poll an engine's cores, and the order in which they came to their end.
struct Threads {
  explicit Threads(HostEngine& engine) {
    engine.start([this](std::size_t core, std::function<void()> loop) {
      running.emplace_back([this, core, loop = std::move(loop)] {
        loop();
        const std::lock_guard guard(ending);
        ended.push_back(core);
      });
    });
  }
  void join() {
    for (std::thread& thread : running) thread.join();
  }

  std::vector<std::thread> running;
  std::mutex ending;
  std::vector<std::size_t> ended;
};

TEST(AnEngine, EndsItsFirstCoreLast) {
  const auto engine = engine_of(3);
  Threads threads(*engine);
  engine->stop();
  threads.join();
  ASSERT_EQ(threads.ended.size(), 3u);
  EXPECT_EQ(threads.ended.back(), 0u);
}

TEST(AChangeOfSettings, ReachesAPollingCoreWholeAndIsFreedAfterIt) {
  {
    const auto engine = engine_of(2);
    Threads threads(*engine);
    constexpr std::int64_t kChanges = 20'000;
    std::size_t kept_max = 0;
    for (std::int64_t i = 1; i <= kChanges; ++i) {
      engine->use({.tcp = {.delayed_ack = Duration{i}}}, Stamp(i));
      kept_max = std::max(kept_max, engine->settings_kept());
      if (i % 100 == 0)
        while (!engine->settled()) std::this_thread::yield();
    }
    while (!engine->settled()) std::this_thread::yield();
    engine->stop();
    threads.join();
    EXPECT_LE(kept_max, 201u) << "all that every core has left are freed";
    EXPECT_LE(Stamp::alive.load(), 101);
    for (auto& core : engine->cores()) {
      EXPECT_EQ(core->app().torn, 0u) << "a poll has seen half of a change";
      EXPECT_GT(core->app().changes, 100u);
      EXPECT_EQ(core->app().stamp, kChanges);
    }
  }
  EXPECT_EQ(Stamp::alive.load(), 0);
}

}  // namespace
}  // namespace mayfly::testing
