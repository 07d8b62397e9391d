// A capture of a running process: what is wanted, and the file that comes of it.
#include "run/dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "run/pcapng.h"

namespace mayfly::testing {
namespace {

using Json = nlohmann::ordered_json;
using run::Dump;
using ::testing::HasSubstr;

std::uint32_t number_at(const std::string& file, std::size_t at) {
  std::uint32_t number = 0;
  std::memcpy(&number, file.data() + at, sizeof number);
  return number;
}

/// The types of the blocks. Each has its length before and after its body, a multiple of four.
std::vector<std::uint32_t> blocks_of(const std::string& file) {
  std::vector<std::uint32_t> types;
  for (std::size_t at = 0; at < file.size();) {
    const std::uint32_t length = number_at(file, at + 4);
    EXPECT_EQ(length % 4, 0u);
    EXPECT_EQ(number_at(file, at + length - 4), length);
    types.push_back(number_at(file, at));
    at += length;
  }
  return types;
}

/// Two cores, and frames that they see.
class DumpTest : public ::testing::Test {
 protected:
  DumpTest() { cores_.process.ports.resize(2); }
  Result<std::unique_ptr<Dump>> begin(const Json& wanted) { return Dump::begin(cores_, wanted); }
  std::string refused(const Json& wanted) {
    const auto dump = begin(wanted);
    EXPECT_FALSE(dump);
    return dump.error().what;
  }
  /// A frame of UDP to this port.
  void see(std::size_t core, std::uint16_t port, Drop fate = Drop::none, std::uint8_t link = 0) {
    if (watching_[core] == nullptr) return;
    std::array<std::byte, 60> frame{};
    frame[12] = std::byte{0x08};
    frame[14] = std::byte{0x45};
    frame[23] = std::byte{17};
    frame[36] = static_cast<std::byte>(port >> 8);
    frame[37] = static_cast<std::byte>(port);
    watching_[core]->hold(link, false, frame, now_);
    watching_[core]->commit(fate);
  }

  Instant now_{1'000'000};
  shard::FrameTap* watching_[2] = {};
  bool is_mute_ = false;
  run::TappedCores cores_{2,
                          {},
                          [this](std::size_t core, shard::FrameTap*& tap) {
                            if (!is_mute_) std::swap(tap, watching_[core]);
                            return !is_mute_;
                          },
                          [this] { return now_; }};
};

TEST_F(DumpTest, IsAFileOfAllFramesWithWhatBecameOfThem) {
  const auto dump = begin(Json::object());
  ASSERT_TRUE(dump);
  see(0, 53);
  see(1, 54, Drop::udp_closed);
  const std::string file = (*dump)->read();
  EXPECT_EQ(blocks_of(file), (std::vector<std::uint32_t>{0x0a0d'0d0a, 1, 1, 6, 6}));
  EXPECT_THAT(file, HasSubstr("core 0: accepted"));
  EXPECT_THAT(file, HasSubstr("core 1: dropped, udp_closed: "));
  EXPECT_EQ((*dump)->read(), "") << "once";
  EXPECT_EQ((*dump)->frames(), 2u);
}

TEST_F(DumpTest, HasAFilterOfLibpcapAndOneCoreOrPort) {
  const auto dump = begin({{"filter", "udp port 53"}, {"core", 1u}, {"port", 0u}});
  ASSERT_TRUE(dump) << dump.error().what;
  see(0, 53);
  see(1, 53);
  see(1, 54);
  see(1, 53, Drop::none, 1);
  EXPECT_EQ(blocks_of((*dump)->read()).size(), 4u);
  EXPECT_EQ((*dump)->frames(), 1u);
}

TEST_F(DumpTest, SaysWhatIsWrongWithWhatIsWanted) {
  EXPECT_THAT(refused({{"filter", "port of hope"}}), HasSubstr("the filter \"port of hope\": "));
  EXPECT_THAT(refused({{"core", 2u}}), HasSubstr("from 0 to 1"));
  EXPECT_THAT(refused({{"port", "eth0"}}), HasSubstr("\"port\" is a number"));
  EXPECT_THAT(refused({{"bytes", 5u}}), HasSubstr("from 14 to 2048"));
  EXPECT_THAT(refused({{"filter", 7}}), HasSubstr("is a text"));
  EXPECT_THAT(refused(Json::array()), HasSubstr("the body is"));
  is_mute_ = true;
  EXPECT_THAT(refused(Json::object()), HasSubstr("core 0 does not answer"));
}

TEST_F(DumpTest, LeavesNobodyWatchingAtItsEnd) {
  { const auto dump = begin(Json::object()); }
  EXPECT_EQ(watching_[0], nullptr);
  EXPECT_EQ(watching_[1], nullptr);
}

}  // namespace
}  // namespace mayfly::testing
