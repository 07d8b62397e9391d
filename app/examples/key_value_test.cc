// The key-value server in a simulated world: a client asks over a wire that loses, doubles, damages
// and reorders frames, and every answer is right. The same Shard drives a device.
#include "key_value.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "net/simulation.h"

namespace {

using mayfly::Duration;
using mayfly::flow::Conn;

constexpr mayfly::Ipv4Address kServer{0xc612'0001}, kClient{0xc612'0101};  // 198.18.0.1, 198.18.1.1
constexpr std::uint16_t kPort = 6'380;

/// Opens one connection, says all commands at once, closes when all answers are there.
class Client : public mayfly::shard::AppBase {
 public:
  Client(std::string commands, std::size_t answers)
      : commands_(std::move(commands)), answers_(answers) {}

  template <class Shard>
  void on_poll(Shard& shard, mayfly::Instant) noexcept {
    if (asked_) return;
    asked_ = true;
    const auto key = mayfly::FlowKey4::of(kClient, 40'000, kServer, kPort);
    ASSERT_EQ(shard.connect(key, {}).error, mayfly::shard::ConnectError::none);
  }
  void on_open(Conn& c) noexcept { c.send(std::as_bytes(std::span(commands_))); }
  std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept {
    for (const std::byte b : text) {
      heard += static_cast<char>(b);
      if (b == std::byte{'\n'} && --answers_ == 0) c.close_both();
    }
    return text.size();
  }
  void on_sent(Conn&) noexcept {}
  void on_peer_closed(Conn&) noexcept {}
  void on_wake(Conn&) noexcept {}
  void on_closed(Conn&, mayfly::flow::CloseReason why) noexcept { ended = why; }

  using AppBase::finished, AppBase::listens, AppBase::next_due, AppBase::on_drain;
  using AppBase::on_settings, AppBase::stop;

  std::string heard;
  std::optional<mayfly::flow::CloseReason> ended;

 private:
  std::string commands_;
  std::size_t answers_;
  bool asked_ = false;
};

mayfly::shard::ShardConfig config(const char* name, mayfly::Ipv4Address address,
                                  std::uint8_t station) {
  static int made = 0;
  mayfly::shard::ShardConfig config;
  config.name = name + std::to_string(made++);
  config.sizes = {.connections = 64, .time_wait = 64, .chunks = 256, .receive_buffers = 16};
  config.secret = {1, station};
  config.pages = mayfly::HugePages::never;
  mayfly::link::Interface interface;
  interface.mac = {{2, 0, 0, 0, 0, station}};
  interface.addresses = {{address, address, 15}};
  config.interfaces = {interface};
  return config;
}

struct Outcome {
  std::string heard;
  std::optional<mayfly::flow::CloseReason> ended;  ///< none: not within ten minutes
};

/// What the server answers to `commands` over `wire`.
Outcome talk_over(const mayfly::net::WireSettings& wire, std::uint64_t seed,
                  const std::string& commands, std::size_t answers) {
  mayfly::shard::ShardSettings settings;
  settings.time_wait.hold = Duration::from_s(1);
  mayfly::net::Simulation simulation(seed);
  example::KeyValueApp app(kPort, 64, 1'024);
  Client client(commands, answers);
  const auto server = mayfly::net::ShardHost<example::KeyValueApp>::create(
      simulation, config("kv", kServer, 1), settings, app, wire);
  const auto peer = mayfly::net::ShardHost<Client>::create(simulation, config("client", kClient, 2),
                                                           settings, client);
  EXPECT_TRUE(server && peer);
  simulation.run_until([&] { return client.ended.has_value(); }, Duration::from_s(600));
  return {client.heard, client.ended};
}

struct Talk {
  std::string commands, answers;
  std::size_t count = 0;
  void add(const std::string& command, const std::string& answer) {
    commands += command + "\n";
    answers += answer + "\n";
    ++count;
  }
};

TEST(KeyValueServer, AnswersEachCommand) {
  Talk talk;
  talk.add("GET nothing", "NONE");
  talk.add("SET a 1", "OK");
  talk.add("GET a", "VALUE 1");
  talk.add("SET a two words", "OK");
  talk.add("GET a", "VALUE two words");
  talk.add("SET b ", "OK");
  talk.add("GET b", "VALUE ");
  talk.add("SET", "ERROR");
  talk.add("SET nospace", "ERROR");
  talk.add("", "ERROR");
  talk.add("SET " + std::string(33, 'k') + " 1", "FULL");
  const Outcome outcome = talk_over({}, 1, talk.commands, talk.count);
  EXPECT_EQ(outcome.heard, talk.answers);
  EXPECT_EQ(outcome.ended, mayfly::flow::CloseReason::time_wait);
}

TEST(KeyValueServer, ResetsAClientWhoseLineHasNoEnd) {
  EXPECT_EQ(talk_over({}, 1, std::string(1'000, 'x'), 1).ended, mayfly::flow::CloseReason::reset);
}

TEST(KeyValueServer, AnswersRightWhateverTheWireDoes) {
  mayfly::net::WireSettings wire;
  wire.faults = {.loss = 0.1,
                 .duplicate = 0.1,
                 .corrupt = 0.05,
                 .reorder = 0.3,
                 .delay = Duration::from_ms(5),
                 .jitter = Duration::from_ms(5)};
  Talk talk;
  for (int i = 0; i < 500; ++i) {
    const std::string key = "key" + std::to_string(i % 50), value = "value" + std::to_string(i);
    talk.add("SET " + key + " " + value, "OK");
    talk.add("GET " + key, "VALUE " + value);
  }
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    EXPECT_EQ(talk_over(wire, seed, talk.commands, talk.count).heard, talk.answers)
        << "seed " << seed;
}

}  // namespace
