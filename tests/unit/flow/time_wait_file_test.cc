// A TimeWaitLog in a file, and the next one that goes on from it: after an end in order, after a
// kill at any instant, and from files that it did not make.
#include "flow/time_wait_file.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "base/prng.h"
#include "flow/time_wait_log.h"

namespace mayfly::testing {
namespace {

using flow::TimeWaitFile;
using flow::TimeWaitFileSpec;
using flow::TimeWaitLog;
using flow::TimeWaitLogMemory;
using flow::TimeWaitRecord;

constexpr std::uint64_t kClasses = 7;  // a number for the classes of these logs

class TimeWaitFileTest : public ::testing::Test {
 protected:
  void SetUp() override { path_ = "/dev/shm/mayfly-test-" + std::to_string(getpid()); }
  void TearDown() override { unlink(path_.c_str()); }

  TimeWaitFileSpec spec() const {
    return {.path = path_, .secret = 11, .core = 0, .cores = 1, .up = up_, .now = now_};
  }
  /// The next process: its clock says `now`.
  void start(std::uint32_t capacity, std::uint64_t classes = kClasses) {
    auto memory = TimeWaitLogMemory::create(capacity, HugePages::never, spec());
    ASSERT_TRUE(memory) << memory.error().what;
    found_ = memory->file->found();
    log_ = std::make_unique<TimeWaitLog>(std::move(*memory), secret_, now_);
    log_->set_hold(0, 60_s);
    log_->set_hold(1, 10_s);
    restored_ = log_->restore(classes, now_, [this](const TimeWaitRecord& record) {
      ++asked_;
      return record.kind < 2 ? std::uint32_t{record.kind} : 0U;
    });
  }
  void end_in_order() {
    log_->leave(kClasses);
    log_.reset();
  }
  void kill() { log_.reset(); }
  /// Time goes by; the clock of a next process may say anything.
  void pass(Duration span) {
    now_ = now_ + span;
    up_ = up_ + span;
  }
  void pass_and_poll(Duration span) {
    for (Duration done{}; done < span; done = done + 5_ms) {
      pass(5_ms);
      log_->expire(now_, 1'000'000);
    }
  }
  static FlowKey4 key(std::uint32_t n) {
    return FlowKey4::of({0xc612'0001}, 80, {0xc612'0100 + n / 50'000},
                        static_cast<std::uint16_t>(1 + n % 50'000));
  }
  std::uint32_t hash(std::uint32_t n) const { return secret_.hash(key(n)); }
  std::uint32_t find(std::uint32_t n) const { return log_->find(key(n), hash(n)); }
  bool has(std::uint32_t n) const { return find(n) != kNoIndex; }
  void insert(std::uint32_t n, std::uint32_t cls = 0) {
    ASSERT_NE(log_->insert(key(n), hash(n), {.rcv_nxt = Seq{n}}, cls, now_), kNoIndex);
  }

  std::string path_;
  flow::FlowSecret secret_{tcp::Secret{1, 2}};
  Instant now_{1'000'000};
  Duration up_ = 1'000_s;
  std::unique_ptr<TimeWaitLog> log_;
  TimeWaitFile::Found found_{};
  TimeWaitLog::Restored restored_;
  int asked_ = 0;
};

TEST_F(TimeWaitFileTest, IsThereAgainAfterAnEndInOrderAndAfterAKill) {
  for (const bool is_killed : {false, true}) {
    unlink(path_.c_str());
    start(1'000);
    EXPECT_EQ(found_, TimeWaitFile::Found::nothing);
    EXPECT_EQ(restored_.entries, 0U);
    for (std::uint32_t n = 0; n < 500; ++n) insert(n, n % 2);
    log_->erase(find(3), hash(3));
    is_killed ? kill() : end_in_order();
    start(1'000);
    EXPECT_EQ(found_, is_killed ? TimeWaitFile::Found::marks : TimeWaitFile::Found::whole);
    EXPECT_EQ(restored_.is_unclean, is_killed);
    EXPECT_EQ(restored_.entries, 499U);
    EXPECT_EQ(log_->used(), 499U);
    EXPECT_EQ(log_->count(0) + log_->count(1), 499U);
    for (std::uint32_t n = 0; n < 501; ++n) {
      ASSERT_EQ(has(n), n < 500 && n != 3) << n;
      if (!has(n)) continue;
      EXPECT_EQ((*log_)[find(n)].entry.rcv_nxt, Seq{n});
    }
    kill();
  }
}

TEST_F(TimeWaitFileTest, TheNameOfAnIpv6ConnectionMayHaveAnyPorts) {
  start(1'000);
  FlowKey4 name = key(1);
  name.local_port = name.remote_port = 0;
  name.zero = FlowKey4::kIpv6Name;
  ASSERT_NE(log_->insert(name, secret_.hash(name), {}, 0, now_), kNoIndex);
  kill();
  start(1'000);
  EXPECT_EQ(restored_.entries, 1U);
  EXPECT_NE(log_->find(name, secret_.hash(name)), kNoIndex);
}

TEST_F(TimeWaitFileTest, HoldsGoOnWhateverTheNextClockSays) {
  for (const Duration clock_step : {Duration{}, 7_s + 1'234_us, Duration::from_s(-3'000)}) {
    for (const bool is_killed : {false, true}) {
      unlink(path_.c_str());
      start(1'000);
      insert(1, 1);  // 10 s
      insert(2, 0);  // 60 s
      pass_and_poll(4_s);
      is_killed ? kill() : end_in_order();
      pass(3_s);  // away
      now_ = now_ + clock_step;
      start(1'000);
      pass_and_poll(2'980_ms);
      EXPECT_TRUE(has(1)) << "9.98 of 10 s";
      pass_and_poll(40_ms);
      EXPECT_FALSE(has(1));
      pass_and_poll(49'900_ms);
      EXPECT_TRUE(has(2)) << "59.92 of 60 s";
      pass_and_poll(100_ms);
      EXPECT_FALSE(has(2));
      EXPECT_EQ(log_->used(), 0U);
      kill();
    }
  }
}

TEST_F(TimeWaitFileTest, WhatBeganJustBeforeTheEndIsThere) {
  for (const Duration clock_step : {1_us, 500_us, 999_us, 1_s + 1_us, Duration{-1}}) {
    unlink(path_.c_str());
    now_ = Instant{1'000'000};
    start(1'000);
    pass_and_poll(5_ms);
    pass(1_us);
    insert(1);
    kill();
    now_ = now_ + clock_step;
    start(1'000);
    EXPECT_TRUE(has(1)) << clock_step.us;
    log_->expire(now_, 100);
    EXPECT_TRUE(has(1)) << clock_step.us;
    kill();
  }
}

TEST_F(TimeWaitFileTest, WhatIsOverMeanwhileExpiresInBudget) {
  start(1'000);
  for (std::uint32_t n = 0; n < 600; ++n) insert(n);
  end_in_order();
  pass(1'300_s);  // longer than a record can tell times apart
  start(1'000);
  std::uint64_t expired = 0;
  for (int poll = 0; poll < 100; ++poll) {
    pass(1_ms);
    expired += log_->expire(now_, 512).entries;
  }
  EXPECT_EQ(expired, 600U);
  EXPECT_EQ(log_->used(), 0U);
}

TEST_F(TimeWaitFileTest, AnEntryOnTrialIsHeldAnew) {
  for (const bool is_killed : {false, true}) {
    unlink(path_.c_str());
    start(1'000);
    insert(1);
    pass_and_poll(50_s);
    log_->begin_trial(find(1), now_);
    is_killed ? kill() : end_in_order();
    start(1'000);
    ASSERT_TRUE(has(1));
    EXPECT_TRUE(log_->is_held(find(1)));
    pass_and_poll(59'900_ms);
    EXPECT_TRUE(has(1));
    pass_and_poll(200_ms);
    EXPECT_FALSE(has(1));
    kill();
  }
}

TEST_F(TimeWaitFileTest, OtherClassesAreAskedForAnew) {
  start(1'000);
  insert(1, 1);
  end_in_order();
  start(1'000);
  EXPECT_EQ(asked_, 0) << "the same classes are taken as they are";
  end_in_order();
  start(1'000, kClasses + 1);
  EXPECT_EQ(asked_, 1);
  EXPECT_TRUE(has(1));
}

TEST_F(TimeWaitFileTest, OfOtherSizesCoresOrSecretsIsGivenUp) {
  start(1'000);
  insert(1);
  end_in_order();
  start(2'000);
  EXPECT_EQ(found_, TimeWaitFile::Found::foreign);
  EXPECT_EQ(log_->used(), 0U);
  insert(1);
  end_in_order();
  TimeWaitFileSpec other = spec();
  other.secret = 12;
  auto memory = TimeWaitLogMemory::create(2'000, HugePages::never, other);
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->file->found(), TimeWaitFile::Found::foreign);
}

TEST_F(TimeWaitFileTest, IsForOneProcessAtATime) {
  start(1'000);
  const auto second = TimeWaitLogMemory::create(1'000, HugePages::never, spec());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().what.find("another process works with"), std::string::npos);
  EXPECT_EQ(second.error().kind, ErrorKind::usage);
}

TEST_F(TimeWaitFileTest, SaysWhatIsWrongWithThePlace) {
  TimeWaitFileSpec nowhere = spec();
  nowhere.path = "/dev/shm/mayfly-no-such-folder/file";
  const auto none = TimeWaitLogMemory::create(1'000, HugePages::never, nowhere);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().what.find("cannot open"), std::string::npos);
  nowhere.path = "/proc/self/oom_score_adj";  // neither tmpfs nor hugetlbfs
  const auto disk = TimeWaitLogMemory::create(1'000, HugePages::never, nowhere);
  ASSERT_FALSE(disk);
  EXPECT_NE(disk.error().what.find("name a place on tmpfs"), std::string::npos);
}

TEST_F(TimeWaitFileTest, SurvivesAnyHeader) {
  Prng prng(5);
  for (int i = 0; i < 300; ++i) {
    start(100);
    for (std::uint32_t n = 0; n < 50; ++n)
      if (!has(n)) log_->insert(key(n), hash(n), {.rcv_nxt = Seq{n}}, 0, now_);
    i % 2 == 0 ? end_in_order() : kill();
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    for (std::uint64_t hits = 1 + prng.next() % 8; hits > 0; --hits) {
      file.seekp(static_cast<std::streamoff>(56 + prng.next() % 1'200));  // the marks, the state
      file.put(static_cast<char>(prng.next()));
    }
    file.close();
    start(100);
    EXPECT_LE(log_->used(), 100U);
    kill();
    unlink(path_.c_str());
  }
}

// -- kills in the middle of anything --

/// A log of few entries, so that the ring goes round and is squeezed, and what should be in it.
struct Life {
  std::map<std::uint32_t, bool> there;  // by number; true: held
  std::uint32_t next = 0;
};

class TimeWaitKills : public TimeWaitFileTest {
 protected:
  static constexpr std::uint32_t kCapacity = 300;

  /// One step of a life that the seed decides; also carried out, if there is a log.
  void step(Prng& prng, Life& life, TimeWaitLog* log) {
    const std::uint64_t what = prng.next() % 100, which = prng.next();
    if (what < 60 && life.there.size() < kCapacity) {
      const std::uint32_t n = life.next++;
      if (log) log->insert(key(n), hash(n), {.rcv_nxt = Seq{n}}, 0, now_);
      life.there[n] = true;
    } else if (!life.there.empty()) {
      auto it = life.there.lower_bound(static_cast<std::uint32_t>(which % life.next));
      if (it == life.there.end()) it = life.there.begin();
      change(what, it, life, log);
    }
  }
  void change(std::uint64_t what, std::map<std::uint32_t, bool>::iterator it, Life& life,
              TimeWaitLog* log) {
    const std::uint32_t n = it->first;
    if (what < 75) {
      if (log) log->hold_anew(log->find(key(n), hash(n)), hash(n), 0, now_);
      it->second = true;
    } else if (what < 85 && it->second) {
      if (log) log->begin_trial(log->find(key(n), hash(n)), now_);
      it->second = false;
    } else {
      if (log) log->erase(log->find(key(n), hash(n)), hash(n));
      life.there.erase(it);
    }
  }
};

TEST_F(TimeWaitKills, LeaveWhatWasThereAtAnyInstant) {
  auto* done = static_cast<std::atomic<std::uint64_t>*>(
      mmap(nullptr, 4'096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(done, MAP_FAILED);
  Prng patience(3);
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    unlink(path_.c_str());
    done->store(0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      start(kCapacity);
      Prng prng(seed);
      Life life;
      for (;; done->fetch_add(1)) step(prng, life, log_.get());
    }
    while (done->load() < 50) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::microseconds(patience.next() % 2'000));
    ::kill(child, SIGKILL);
    waitpid(child, nullptr, 0);

    Prng prng(seed);
    Life before;
    for (std::uint64_t steps = done->load(); steps > 0; --steps) step(prng, before, nullptr);
    Life after = before;
    step(prng, after, nullptr);
    start(kCapacity);
    ASSERT_TRUE(restored_.is_unclean);
    std::uint32_t found = 0;
    for (std::uint32_t n = 0; n <= after.next; ++n) {
      const bool was = before.there.contains(n), will = after.there.contains(n);
      ASSERT_TRUE(has(n) || !was || !will) << "seed " << seed << ": " << n << " is lost";
      ASSERT_FALSE(has(n) && !was && !will) << "seed " << seed << ": " << n << " had ended";
      if (!has(n)) continue;
      ++found;
      ASSERT_EQ((*log_)[find(n)].entry.rcv_nxt, Seq{n});
      ASSERT_TRUE(log_->is_held(find(n)));
    }
    ASSERT_EQ(found, log_->used()) << "seed " << seed << ": an entry for a wrong four-tuple";
    kill();
  }
  munmap(done, 4'096);
}

}  // namespace
}  // namespace mayfly::testing
