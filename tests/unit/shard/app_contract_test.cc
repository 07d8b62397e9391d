// What an app must have to be one: a hook that is missing, misspelt, or of another signature is an
// error of the compiler's, not a hook that is never called.
#include <gtest/gtest.h>

#include "shard/shard.h"
#include "support/mem_port.h"

namespace mayfly::testing {
namespace {

using flow::Conn;

template <class A>
concept AppOnMemory = shard::App<A, shard::Shard<MemPort, A>>;

/// The hooks that have no default.
struct OfAConnection : shard::AppBase {
  void on_open(Conn&) noexcept {}
  std::size_t on_data(Conn&, std::span<const std::byte> text) noexcept { return text.size(); }
  void on_sent(Conn&) noexcept {}
  void on_peer_closed(Conn&) noexcept {}
  void on_wake(Conn&) noexcept {}
  void on_closed(Conn&, flow::CloseReason) noexcept {}
};

struct WithDefaults : OfAConnection {
  using AppBase::listens, AppBase::on_poll, AppBase::next_due, AppBase::on_settings;
  using AppBase::stop, AppBase::on_drain, AppBase::finished;
};
static_assert(AppOnMemory<WithDefaults>);

/// Inheriting alone makes no default public: a hook that is forgotten or misspelt is missed.
static_assert(!AppOnMemory<OfAConnection>);

struct MisspeltPoll : OfAConnection {
  using AppBase::listens, AppBase::next_due, AppBase::on_settings, AppBase::stop;
  using AppBase::on_drain, AppBase::finished;
  template <class S>
  void on_pol(S&, Instant) noexcept {}
};
static_assert(!AppOnMemory<MisspeltPoll>);

struct MisspeltDrain : OfAConnection {
  using AppBase::listens, AppBase::on_poll, AppBase::next_due, AppBase::on_settings;
  using AppBase::stop, AppBase::finished;
  void on_drian(Conn&) noexcept {}
};
static_assert(!AppOnMemory<MisspeltDrain>);

struct MisspeltOpen : shard::AppBase {
  using AppBase::listens, AppBase::on_poll, AppBase::next_due, AppBase::on_settings;
  using AppBase::stop, AppBase::on_drain, AppBase::finished;
  void on_opened(Conn&) noexcept {}
  std::size_t on_data(Conn&, std::span<const std::byte> text) noexcept { return text.size(); }
  void on_sent(Conn&) noexcept {}
  void on_peer_closed(Conn&) noexcept {}
  void on_wake(Conn&) noexcept {}
  void on_closed(Conn&, flow::CloseReason) noexcept {}
};
static_assert(!AppOnMemory<MisspeltOpen>);

/// A hook of another signature hides the default.
struct DrainOfNothing : WithDefaults {
  void on_drain() noexcept {}
};
static_assert(!AppOnMemory<DrainOfNothing>);

struct FinishedWithoutAnAnswer : WithDefaults {
  void finished(Instant) const noexcept {}
};
static_assert(!AppOnMemory<FinishedWithoutAnAnswer>);

/// It is asked of a const app.
struct FinishedByChange : WithDefaults {
  bool finished(Instant) noexcept { return true; }
};
static_assert(!AppOnMemory<FinishedByChange>);

struct TakesNothingSaid : WithDefaults {
  void on_data(Conn&, std::span<const std::byte>) noexcept {}
};
static_assert(!AppOnMemory<TakesNothingSaid>);

struct MayThrow : WithDefaults {
  void on_wake(Conn&) {}
};
static_assert(!AppOnMemory<MayThrow>);

/// Settings of its own are no use to an app that is not told when they change.
struct DeafToItsSettings : WithDefaults {
  struct Settings {
    int value = 0;
  };
};
static_assert(!AppOnMemory<DeafToItsSettings>);

struct HearsItsSettings : DeafToItsSettings {
  void on_settings(const Settings&) noexcept {}
};
static_assert(AppOnMemory<HearsItsSettings>);

TEST(AnApp, ThatTakesEveryDefaultListensNowhereAndIsNeverDue) {
  const WithDefaults app;
  EXPECT_FALSE(app.listens(80));
  EXPECT_TRUE(app.next_due().is_never());
  EXPECT_FALSE(app.finished({}));
}

}  // namespace
}  // namespace mayfly::testing
