// Files that went wrong at random: each is read or refused with reasons, none brings the reader
// down.
#include <gmock/gmock.h>

#include <cstdlib>
#include <iostream>
#include <random>

#include "config_fixture.h"

namespace mayfly::testing {
namespace {

constexpr int kRounds = 500;

constexpr const char* kExperiments =
    "server: {close: {first: client}, time_wait: {hold: 2s}}\n"
    "client: {load: {concurrency: 512}}\n"
    "experiments:\n"
    "  - {name: a, expect: flat, client: {load: {concurrency: 8}}}\n"
    "  - {name: b, policy: mine, warm_up: 1s}\n"
    "hazards: {seed: 7, link: {loss: 1%}, policies: [mine]}\n";

class Mutation : public ConfigTest {
 protected:
  Mutation() {
    RecordProperty("seed", std::to_string(seed_));
    std::cout << "seed " << seed_ << " (again: MAYFLY_SEED=" << seed_ << ")" << std::endl;
  }

  std::size_t below(std::size_t n) { return random_() % n; }

  std::string mutate(std::string text) {
    static const std::vector<std::string> kPieces{"-",
                                                  ":",
                                                  "{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  ",",
                                                  "&a ",
                                                  "*a",
                                                  "!",
                                                  "!!int ",
                                                  "|",
                                                  ">",
                                                  "%",
                                                  "@",
                                                  "\"",
                                                  "'",
                                                  "\n",
                                                  "\t",
                                                  "  ",
                                                  "#",
                                                  "? ",
                                                  "<<: *a",
                                                  "---\n",
                                                  "...\n",
                                                  "\\x",
                                                  "\xc3\xa9",
                                                  "\xff",
                                                  std::string(1, '\0'),
                                                  "0",
                                                  "-1",
                                                  "18446744073709551616",
                                                  "1e999",
                                                  "60s",
                                                  "%YAML 1.2\n",
                                                  "null",
                                                  "~",
                                                  "ports",
                                                  "198.18.0.1/15",
                                                  "tcp: ",
                                                  "- - - ",
                                                  "\xef\xbb\xbf"};
    for (std::size_t n = 1 + below(4); n > 0; --n) {
      const std::size_t at = below(text.size() + 1);
      switch (below(4)) {
        case 0: text.insert(at, kPieces[below(kPieces.size())]); break;
        case 1: text.erase(at, 1 + below(12)); break;
        case 2: text.insert(at, text.substr(below(text.size() + 1), below(60))); break;
        default:
          if (at < text.size()) text[at] = static_cast<char>(below(256));
      }
    }
    return text;
  }

  /// Either settings or reasons, and each reason can be printed.
  template <class T>
  void expect_settled(const config::Loaded<T>& loaded, const std::string& text) {
    EXPECT_EQ(loaded.settings.has_value(), loaded.errors.empty()) << text;
    for (const config::ConfigError& error : loaded.errors) {
      EXPECT_FALSE(error.what.empty()) << text;
      EXPECT_FALSE(to_string(error).empty()) << text;
    }
  }

 private:
  /// The same mutations in every run, unless MAYFLY_SEED asks for others.
  static std::uint32_t pick_seed() {
    const char* given = std::getenv("MAYFLY_SEED");
    return given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : 1;
  }

  const std::uint32_t seed_ = pick_seed();
  std::mt19937 random_{seed_};
};

TEST_F(Mutation, OfAFileIsReadOrRefused) {
  write_preset("mine", "server: {time_wait: {hold: 1s}}\n");
  for (int i = 0; i < kRounds; ++i) {
    const std::string server = mutate(std::string(kServe) + "tcp: {mss: 1400}\nclose: &c {}\n");
    expect_settled(serve(server), server);
    const std::string client = mutate(kLoad);
    expect_settled(load(client), client);
    const std::string both = mutate(kExperiments);
    expect_settled(lab(both), both);
  }
}

TEST_F(Mutation, OfAPresetIsReadOrRefused) {
  for (int i = 0; i < kRounds; ++i) {
    const std::string preset = mutate(
        "server: {time_wait: {nearness: [{prefix: 10.0.0.0/8, hold: 1s}]}, tcp: {sack: no}}\n"
        "client: {close: {first: reset}, time_wait: {reuse: 1}}\n");
    write_preset("mine", preset);
    expect_settled(serve(kServe, {}, "mine"), preset);
    expect_settled(lab(kExperiments), preset);
  }
}

TEST_F(Mutation, OfAnOverrideIsReadOrRefused) {
  const std::vector<std::string> overrides{
      "time_wait.hold=5s",  "ports.0.faults={loss: 1%}",         "http.routes.0={path: /, body: x}",
      "listen.0.port=8080", "ports.0.addresses.0=198.18.0.1/15", "tcp.keep_alive.idle=1h"};
  for (int i = 0; i < kRounds; ++i) {
    const std::string text = mutate(overrides[below(overrides.size())]);
    expect_settled(serve(kServe, {text}), text);
  }
}

}  // namespace
}  // namespace mayfly::testing
