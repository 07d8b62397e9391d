// TIME_WAIT files that another server has left: read whatever its sizes were, and held by one that
// goes on in its place.
#include "flow/time_wait_import.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "base/prng.h"
#include "flow/time_wait_log.h"
#include "time_waits_fixture.h"

namespace mayfly::testing {
namespace {

constexpr std::uint64_t kSameSecret = 11;

class TimeWaitImport : public TimeWaitsTest {
 protected:
  void SetUp() override { file_ = "/dev/shm/mayfly-import-" + std::to_string(getpid()); }
  void TearDown() override { unlink(file_.c_str()); }

  /// A server that has made `count` entries, one each 100 ms, and is killed, or ends in order.
  void leave_entries(std::uint32_t count, bool is_killed = true, std::uint32_t capacity = 777) {
    flow::TimeWaitFileSpec spec{
        .path = file_, .secret = kSameSecret, .core = 2, .cores = 3, .up = 9_s, .now = now_};
    auto memory = flow::TimeWaitLogMemory::create(capacity, HugePages::never, spec);
    ASSERT_TRUE(memory) << memory.error().what;
    flow::TimeWaitLog log(std::move(*memory), secret_, now_);
    log.set_hold(0, 60_s);
    log.restore(5, now_, [](const flow::TimeWaitRecord&) { return 0U; });
    for (std::uint32_t n = 0; n < count; ++n) {
      now_ = now_ + 100_ms;
      log.expire(now_, 1'000);
      log.insert(key(n), secret_.hash(key(n)), {.rcv_nxt = Seq{5'000}, .snd_nxt = Seq{n}}, 0, now_);
    }
    if (!is_killed) log.leave(5);
  }
  Result<flow::ForeignTimeWaits> read(std::uint64_t fingerprint = kSameSecret) const {
    return read_time_waits(file_, secret_, fingerprint, 60_s, now_);
  }
  std::string why_not() const {
    const auto got = read();
    return got ? "it was taken" : got.error().what;
  }
  std::vector<char> octets() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::vector<char>& octets) const {
    std::ofstream(file_, std::ios::binary | std::ios::trunc)
        .write(octets.data(), static_cast<std::streamsize>(octets.size()));
  }

  std::string file_;
};

TEST_F(TimeWaitImport, ReadsWhatAServerOfAnotherCapacityAndCoreHasLeftHoweverItEnded) {
  for (const bool is_killed : {true, false}) {
    unlink(file_.c_str());
    leave_entries(200, is_killed);
    const std::vector<char> before = octets();
    const auto got = read();
    ASSERT_TRUE(got) << got.error().what;
    ASSERT_EQ(got->entries.size(), 200U);
    EXPECT_EQ(got->expired, 0U);
    for (std::uint32_t n = 0; n < 200; ++n) {
      EXPECT_EQ(got->entries[n].key, key(n)) << "in the order of their holds";
      EXPECT_EQ(got->entries[n].entry.snd_nxt, Seq{n});
      EXPECT_NEAR(static_cast<double>((now_ - got->entries[n].since).us), (199.0 - n) * 1e5, 2e3);
    }
    EXPECT_EQ(octets(), before) << "the file stays as it is";
  }
}

TEST_F(TimeWaitImport, LeavesOutWhatIsOverByNow) {
  leave_entries(200);
  now_ = now_ + 50_s;
  const auto got = read();
  ASSERT_TRUE(got);
  EXPECT_NEAR(static_cast<double>(got->entries.size()), 100, 1);
  EXPECT_EQ(got->entries.size() + got->expired, 200U);
  now_ = now_ + 100'000_s;
  EXPECT_TRUE(read()->entries.empty());
}

TEST_F(TimeWaitImport, SaysWhyAFileIsNotTaken) {
  EXPECT_NE(why_not().find("No such file"), std::string::npos) << why_not();
  write(std::vector<char>(100, 'x'));
  EXPECT_NE(why_not().find("too short"), std::string::npos) << why_not();
  write(std::vector<char>(10'000, 'x'));
  EXPECT_NE(why_not().find("no TIME_WAIT file"), std::string::npos) << why_not();
  unlink(file_.c_str());
  leave_entries(10);
  EXPECT_NE(read(12).error().what.find("another secret"), std::string::npos);
  std::vector<char> shorter = octets();
  shorter.resize(shorter.size() - 4'096);
  const std::vector<char> whole = octets();
  write(shorter);
  EXPECT_NE(why_not().find("add up"), std::string::npos) << why_not();
  write(whole);
  now_ = now_ - 3'000_s;
  EXPECT_NE(why_not().find("ahead"), std::string::npos) << why_not();
  now_ = now_ + 3'000_s;
  flow::TimeWaitFileSpec spec{.path = file_, .secret = kSameSecret, .now = now_};
  const auto user = flow::TimeWaitLogMemory::create(777, HugePages::never, spec);
  ASSERT_TRUE(user);
  EXPECT_NE(why_not().find("works with it"), std::string::npos) << why_not();
}

// Whatever is in a file, it is read to an end, and gives no more entries than it has records.
TEST_F(TimeWaitImport, LivesThroughFilesWithFlippedBits) {
  leave_entries(150);
  const std::vector<char> whole = octets();
  Prng random(7);
  std::uint32_t taken = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<char> damaged = whole;
    // The header is a small part of it, and where most of the harm could be done.
    const std::size_t part = round % 2 == 0 ? 1'400 : damaged.size();
    for (std::uint64_t flips = 1 + random.below(6); flips > 0; --flips)
      damaged[random.below(part)] ^= static_cast<char>(1 << random.below(8));
    write(damaged);
    if (const auto got = read()) {
      ++taken;
      EXPECT_LE(got->entries.size(), 1'000U);
    }
  }
  EXPECT_GT(taken, 100U);
}

TEST_F(TimeWaitImport, IsHeldForWhatIsLeftOfItsHold) {
  hold_by(policy(10_s));
  const flow::ForeignTimeWait foreign{
      key(1), {.rcv_nxt = Seq{5'000}, .snd_nxt = Seq{1'000}}, now_ - 4_s};
  using Adopted = flow::TimeWaits::Adopted;
  EXPECT_EQ(held_->adopt(foreign, secret_.hash(key(1)), now_), Adopted::taken);
  EXPECT_TRUE(on(1, segment(wire::tcp_flag::ack, 4'000)).acknowledges) << "it answers";
  EXPECT_EQ(held_->adopt(foreign, secret_.hash(key(1)), now_), Adopted::known);
  after(5'900_ms);
  EXPECT_NE(find(1), kNoIndex);
  after(200_ms);
  EXPECT_EQ(find(1), kNoIndex);
  EXPECT_EQ(stats_.time_wait_imported.get(), 1U);
  EXPECT_EQ(stats_.time_wait_expired.get(), 1U);
  EXPECT_EQ(held_->adopt(foreign, secret_.hash(key(1)), now_), Adopted::expired);
}

TEST_F(TimeWaitImport, FindsRoomAsAnyEntryDoes) {
  using Adopted = flow::TimeWaits::Adopted;
  for (const auto on_full :
       {TimeWaitPolicy::OnFull::refuse, TimeWaitPolicy::OnFull::evict_oldest}) {
    TimeWaitPolicy full = policy(60_s);
    full.on_full = on_full;
    hold_by(full, 8);
    for (std::uint32_t n = 0; n < 8; ++n) ASSERT_TRUE(enter(n));
    const bool evicts = on_full == TimeWaitPolicy::OnFull::evict_oldest;
    EXPECT_EQ(held_->adopt({key(9), {}, now_}, secret_.hash(key(9)), now_),
              evicts ? Adopted::taken : Adopted::refused);
    EXPECT_EQ(held_->used(), 8U);
  }
  EXPECT_EQ(stats_.time_wait_import_refused.get(), 1U);
}

}  // namespace
}  // namespace mayfly::testing
