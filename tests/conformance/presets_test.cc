// The presets named after systems that are not at hand, each in every situation of a TIME_WAIT:
// what answers, and what is left. doc/presets.md has the same table, and where the systems differ.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "config/read.h"
#include "support/wire.h"

namespace mayfly::testing {
namespace {

const std::filesystem::path kRoot = MAYFLY_SOURCE_ROOT;
constexpr const char* kPresets[] = {"freebsd", "netbsd-nearness", "windows", "linux-tw-recycle"};

constexpr std::uint32_t kStamp = 5'000'000, kFar = 1u << 29;
constexpr std::int32_t kNewer = 1'000, kOlder = -1'000;

shard::ShardSettings server_of(const std::string& preset) {
  const auto policy = config::read_policy((kRoot / "conf/policy" / (preset + ".yaml")).string());
  EXPECT_TRUE(policy.settings) << preset;
  return policy.settings ? policy.settings->server.shard : shard::ShardSettings{};
}

/// A shard under a preset, which has closed first a connection with a peer that has timestamps.
class Held {
 public:
  explicit Held(const std::string& preset) : wire(given(preset)), peer(wire) {
    peer.clock = kStamp;
    peer.opens();
    peer.sends(text("old")).ignores();
    wire.app_does([](ScriptConn& c) { c.close(); });
    peer.ignores().sends(fin()).ignores();
    EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
    rcv_nxt = peer.next();
  }

  /// A SYN of a new incarnation; `stamp`: ahead of the old connection's last.
  std::string syn_comes(std::uint32_t ahead, std::optional<std::int32_t> stamp) {
    stamp_ahead(stamp);
    peer.again(rcv_nxt + ahead).sends(syn());
    return heard();
  }
  std::string segment_comes(const Said& said) {
    peer.sends(said);
    return heard();
  }
  std::string another_port(std::optional<std::int32_t> stamp) {
    Peer other(wire, 41'000);
    if (stamp) other.clock = kStamp + static_cast<std::uint32_t>(*stamp);
    other.sends(syn());
    return answer_of(other) + (wire.shard->open_connections() > 0 ? "; SYN_RECEIVED" : "; LISTEN");
  }
  /// RFC 9293 3.10.7.3, first: who gets an ACK for its SYN resets it and comes again.
  std::string newcomer_insists() {
    syn_comes(-kFar, kOlder);
    if (!peer.inbox.empty()) peer.again(peer.inbox[0].segment.ack).ignores().sends(rst());
    peer.ignores();
    return syn_comes(-kFar, kOlder);
  }
  std::string held_for() {
    Duration held;
    for (; wire.shard->time_wait_entries() > 0 && held < 10_min; held = held + 100_ms)
      wire.leap(100_ms);
    return fmt::format("{:.3g} s", held.seconds());
  }
  void stamp_ahead(std::optional<std::int32_t> stamp) {
    peer.clock.reset();
    if (stamp) peer.clock = kStamp + static_cast<std::uint32_t>(*stamp);
  }

  Wire wire;
  Peer peer;
  Seq rcv_nxt;

 private:
  static Given given(const std::string& preset) {
    Given given;
    const shard::ShardSettings settings = server_of(preset);
    given.settings.tcp = settings.tcp;
    given.settings.time_wait = settings.time_wait;
    return given;
  }
  static std::string answer_of(const Peer& peer) {
    if (peer.inbox.empty()) return "nothing";
    EXPECT_EQ(peer.inbox.size(), 1u);
    const Segment& s = peer.inbox[0].segment;
    if (s.has(wire::tcp_flag::rst)) return "RST";
    return s.has(wire::tcp_flag::syn) ? "SYN-ACK" : "ACK";
  }
  std::string heard() const {
    const char* state = wire.shard->open_connections() > 0    ? "SYN_RECEIVED"
                        : wire.shard->time_wait_entries() > 0 ? "TIME_WAIT"
                                                              : "CLOSED";
    return answer_of(peer) + "; " + state;
  }
};

struct Situation {
  const char* name;
  std::function<std::string(Held&)> play;  ///< the answer, and the state after it
};

const Situation kSituations[] = {
    {"held for", [](Held& h) { return h.held_for(); }},
    {"FIN again, after half a second: held from then on",
     [](Held& h) {
       h.wire.leap(500_ms);
       const std::string answer = h.segment_comes(fin().at(3));
       return answer + " for " + h.held_for();
     }},
    {"SYN, higher numbers, a newer stamp", [](Held& h) { return h.syn_comes(kFar, kNewer); }},
    {"SYN, higher numbers, an older stamp", [](Held& h) { return h.syn_comes(kFar, kOlder); }},
    {"SYN, higher numbers, no stamp", [](Held& h) { return h.syn_comes(kFar, {}); }},
    {"SYN, lower numbers, a newer stamp", [](Held& h) { return h.syn_comes(-kFar, kNewer); }},
    {"SYN, lower numbers, an older stamp", [](Held& h) { return h.syn_comes(-kFar, kOlder); }},
    {"SYN, lower numbers, no stamp", [](Held& h) { return h.syn_comes(-kFar, {}); }},
    {"a newcomer: SYN, the RST for its answer, the SYN again",
     [](Held& h) { return h.newcomer_insists(); }},
    {"SYN of another port, a newer stamp", [](Held& h) { return h.another_port(kNewer); }},
    {"SYN of another port, an older stamp", [](Held& h) { return h.another_port(kOlder); }},
    {"SYN of another port, no stamp", [](Held& h) { return h.another_port({}); }},
    {"RST at RCV.NXT", [](Held& h) { return h.segment_comes(rst()); }},
    {"RST in the window", [](Held& h) { return h.segment_comes(rst().at(100)); }},
    {"old text", [](Held& h) { return h.segment_comes(text("old").at(0)); }},
    {"ACK in place", [](Held& h) { return h.segment_comes(ack()); }},
    {"SYN-ACK", [](Held& h) { return h.segment_comes(syn_ack()); }},
};

std::vector<std::string> rows() {
  std::vector<std::string> rows;
  for (const Situation& situation : kSituations) {
    std::string row = fmt::format("| {} |", situation.name);
    for (const char* preset : kPresets) {
      Held held(preset);
      row += fmt::format(" {} |", situation.play(held));
      held.peer.ignores();
    }
    rows.push_back(row);
  }
  return rows;
}

/// The rows below the head that names the presets.
std::vector<std::string> documented_rows() {
  std::ifstream file(kRoot / "doc/presets.md");
  std::vector<std::string> rows;
  bool is_inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| situation |")) {
      is_inside = true;
      std::getline(file, line);  // |---|
    } else if (is_inside && line.starts_with("| ")) {
      rows.push_back(line);
    } else {
      is_inside = false;
    }
  }
  return rows;
}

TEST(PresetsNamedAfterSystems, ActAsDocumentedInEverySituation) {
  EXPECT_THAT(documented_rows(), ::testing::ElementsAreArray(rows()));
}

TEST(PresetsNamedAfterSystems, SayWhatOnlyAClientDoes) {
  for (const char* preset : kPresets) {
    const auto policy =
        config::read_policy((kRoot / "conf/policy" / (std::string(preset) + ".yaml")).string());
    ASSERT_TRUE(policy.settings);
    EXPECT_EQ(policy.settings->client.shard.time_wait.reuse, 0) << preset;
  }
}

}  // namespace
}  // namespace mayfly::testing
