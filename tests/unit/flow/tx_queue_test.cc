#include "flow/tx_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"

namespace mayfly::testing {
namespace {

class TxQueueTest : public ::testing::Test {
 protected:
  static constexpr Seq kFirst{0xffff'fff8u};  // numbers wrap in every test

  explicit TxQueueTest(std::size_t extents = 100, std::size_t chunks = 4)
      : extents_(extents),
        chunks_(chunks),
        pools_{Slab(std::span(extents_)), Slab(std::span(chunks_))} {
    queue_.open(kFirst);
  }
  ~TxQueueTest() override {
    queue_.clear(pools_);
    EXPECT_EQ(pools_.extents.used(), 0u);
    EXPECT_EQ(pools_.chunks.used(), 0u);
  }
  bool append(std::string_view text) {
    return queue_.append(pools_, bytes(text).data(), text.size(), 0);
  }
  std::size_t copy_in(std::string_view text) {
    return queue_.append_copy(pools_, bytes(text), 0, Instant{});
  }
  void acknowledge(std::uint32_t n) { queue_.acknowledge(pools_, kFirst + n); }
  std::string read(std::uint32_t at, std::size_t length) {
    std::string out(length, '?');
    queue_.copy(pools_, kFirst + at, length, reinterpret_cast<std::byte*>(out.data()));
    expect_sum(at, out);
    return out;
  }
  /// The same text, with its checksum.
  void expect_sum(std::uint32_t at, const std::string& text) {
    std::string copy(text.size(), '?');
    const std::uint64_t sum = queue_.copy_summed(pools_, kFirst + at, text.size(),
                                                 reinterpret_cast<std::byte*>(copy.data()));
    EXPECT_EQ(copy, text);
    EXPECT_EQ(wire::checksum_fold(sum), wire::checksum_fold(wire::checksum_native(bytes(text))));
  }
  static std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
  }

  std::vector<flow::Extent> extents_;
  std::vector<flow::Chunk> chunks_;
  flow::TxPools pools_;
  flow::TxQueue queue_;
};

TEST_F(TxQueueTest, FindsEveryByteByItsSequenceNumber) {
  append("hello, ");
  append("wide ");
  copy_in("world");
  EXPECT_EQ(queue_.queued(), 17u);
  EXPECT_EQ(read(0, 17), "hello, wide world");
  EXPECT_EQ(read(7, 4), "wide");
  EXPECT_EQ(read(5, 9), ", wide wo");
}

TEST_F(TxQueueTest, PointsAtTheBytesOfAnAppendAndKeepsThoseOfACopy) {
  std::string pointed = "aaaa", copied = "bbbb";
  append(pointed);
  copy_in(copied);
  pointed[1] = copied[1] = 'X';
  EXPECT_EQ(read(0, 8), "aXaabbbb");
}

TEST_F(TxQueueTest, ForgetsWhatIsAcknowledgedAndGivesItBack) {
  append("one");
  copy_in("two");
  append("three");
  EXPECT_EQ(pools_.extents.used(), 3u);
  acknowledge(4);
  EXPECT_EQ(queue_.queued(), 7u);
  EXPECT_EQ(read(4, 7), "wothree");
  EXPECT_EQ(pools_.extents.used(), 2u);
  acknowledge(6);
  EXPECT_EQ(pools_.chunks.used(), 0u);
  acknowledge(11);
  EXPECT_EQ(queue_.queued(), 0u);
  EXPECT_EQ(pools_.extents.used(), 0u);
}

TEST_F(TxQueueTest, IsNotConfusedByOldOrRepeatedAcknowledgements) {
  append("hello");
  acknowledge(3);
  acknowledge(3);
  acknowledge(1);
  EXPECT_EQ(queue_.queued(), 2u);
  EXPECT_EQ(read(3, 2), "lo");
}

TEST_F(TxQueueTest, TakesAnAcknowledgementOfMoreThanText) {  // the FIN has a number, too
  append("hello");
  acknowledge(6);
  EXPECT_EQ(queue_.queued(), 0u);
}

TEST_F(TxQueueTest, RepeatsABlock) {
  queue_.append(pools_, bytes("abc").data(), 8, 3);
  append("!");
  EXPECT_EQ(read(0, 9), "abcabcab!");
  acknowledge(4);
  EXPECT_EQ(read(4, 5), "bcab!");
  EXPECT_EQ(read(7, 2), "b!");
}

TEST_F(TxQueueTest, FillsAChunkOfWhichAPartIsAcknowledged) {
  const std::string half(flow::Chunk::kSize / 2, 'a'), rest(flow::Chunk::kSize, 'b');
  const std::size_t room = sizeof(flow::Chunk::bytes);
  copy_in(half);
  acknowledge(100);
  copy_in(rest);
  EXPECT_EQ(pools_.chunks.used(), 2u) << "the first is filled to its end, and not beyond";
  const auto first = static_cast<std::uint32_t>(half.size());
  EXPECT_EQ(read(100, half.size() - 100), half.substr(100));
  EXPECT_EQ(read(first, rest.size()), rest);
  acknowledge(static_cast<std::uint32_t>(room) - 1);
  EXPECT_EQ(pools_.chunks.used(), 2u);
  acknowledge(static_cast<std::uint32_t>(room));
  EXPECT_EQ(pools_.chunks.used(), 1u);
}

TEST_F(TxQueueTest, PutsManySmallCopiesIntoOneChunk) {
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const std::string word = std::to_string(i) + ",";
    EXPECT_EQ(copy_in(word), word.size());
    all += word;
  }
  EXPECT_EQ(pools_.chunks.used(), 1u);
  EXPECT_EQ(read(0, all.size()), all);
}

TEST_F(TxQueueTest, FillsAChunkThatIsPartlyAcknowledgedAndNeverBeyondItsEnd) {
  const std::string text(2'000, 'a');
  copy_in(text);
  acknowledge(1'990);
  copy_in(std::string(100, 'b'));
  EXPECT_EQ(read(1'990, 110), std::string(10, 'a') + std::string(100, 'b'));
  EXPECT_EQ(pools_.chunks.used(), 2u);
}

TEST_F(TxQueueTest, CopiesNoMoreThanThereAreChunks) {
  const std::size_t room = 4 * flow::Chunk{}.bytes.size();
  EXPECT_EQ(copy_in(std::string(room + 500, 'x')), room);
  EXPECT_EQ(copy_in("y"), 0u);
  acknowledge(static_cast<std::uint32_t>(flow::Chunk{}.bytes.size()));
  EXPECT_EQ(copy_in("y"), 1u);
}

TEST_F(TxQueueTest, TakesNoMoreThanItsShareOfTheExtents) {
  for (unsigned i = 0; i < flow::TxQueue::kExtentsMax; ++i) EXPECT_TRUE(append("x"));
  EXPECT_FALSE(append("x"));
  EXPECT_EQ(copy_in("x"), 0u);
  EXPECT_EQ(pools_.chunks.used(), 0u) << "a chunk without an extent goes back";
  EXPECT_EQ(queue_.queued(), flow::TxQueue::kExtentsMax);
}

TEST_F(TxQueueTest, QueuesNothingForAnEmptyRun) {
  EXPECT_TRUE(append(""));
  EXPECT_EQ(copy_in(""), 0u);
  EXPECT_EQ(pools_.extents.used(), 0u);
}

class FewExtents : public TxQueueTest {
 protected:
  FewExtents() : TxQueueTest(2, 4) {}
};

TEST_F(FewExtents, ArePolledFromByAllQueues) {
  EXPECT_TRUE(append("one"));
  EXPECT_TRUE(append("two"));
  EXPECT_FALSE(append("three"));
  EXPECT_EQ(copy_in("three"), 0u);
  EXPECT_EQ(pools_.chunks.used(), 0u);
  EXPECT_EQ(read(0, 6), "onetwo");
}

TEST_F(TxQueueTest, AgreesWithAStringWhateverHappens) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Prng random(seed);
    std::string all;
    std::uint32_t acked = 0;
    static const std::string source(5'000, 's'), block = "0123456789abcdef";
    queue_.clear(pools_);
    queue_.open(kFirst);
    for (int step = 0; step < 200; ++step) {
      const auto n = static_cast<std::size_t>(random.below(3'000));
      switch (random.below(5)) {
        case 0:
          if (append(std::string_view(source).substr(0, n))) all += source.substr(0, n);
          break;
        case 1: {
          std::string text(n, static_cast<char>('a' + step % 26));
          all += text.substr(0, copy_in(text));
          break;
        }
        case 2:
          if (queue_.append(pools_, bytes(block).data(), n, 16))
            for (std::size_t i = 0; i < n; ++i) all += block[i % 16];
          break;
        case 3:
          acked += static_cast<std::uint32_t>(random.below(all.size() - acked + 1));
          acknowledge(acked);
          break;
        default: {
          const auto at = acked + static_cast<std::uint32_t>(random.below(all.size() - acked + 1));
          const std::size_t length = std::min<std::size_t>(n, all.size() - at);
          ASSERT_EQ(read(at, length), all.substr(at, length));
        }
      }
      ASSERT_EQ(queue_.queued(), all.size() - acked);
    }
  }
}

}  // namespace
}  // namespace mayfly::testing
