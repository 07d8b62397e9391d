// The receive side of one connection.
#include "flow/rx_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace mayfly::testing {
namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

class RxQueueTest : public ::testing::Test {
 protected:
  std::string read_all() {
    std::string all;
    while (queue.unread() > 0) {
      const auto part = queue.front(pool);
      all.append(reinterpret_cast<const char*>(part.data()), part.size());
      queue.take(static_cast<std::uint32_t>(part.size()));
    }
    return all;
  }

  std::vector<std::byte> memory = std::vector<std::byte>(3 * 16);
  std::vector<flow::RxBuffers::Place> places = std::vector<flow::RxBuffers::Place>(2);
  flow::RxBuffers pool{memory, 16, places};
  flow::RxQueue queue;
};

TEST_F(RxQueueTest, HasNoBufferUntilTextIsKept) {
  EXPECT_FALSE(queue.has_buffer());
  queue.start_at(Seq{100});
  ASSERT_TRUE(queue.reserve(pool, 0, Instant{}));
  EXPECT_EQ(queue.keep(pool, Seq{100}, bytes("hello")), 5u);
  queue.add_unread(5);
  EXPECT_TRUE(queue.has_buffer());
  EXPECT_EQ(pool.used(), 1u);
  EXPECT_EQ(read_all(), "hello");
  queue.release(pool);
  EXPECT_EQ(pool.used(), 0u);
}

TEST_F(RxQueueTest, KeepsAsMuchAsThereIsRoomFor) {
  queue.start_at(Seq{8});
  ASSERT_TRUE(queue.reserve(pool, 0, Instant{}));
  queue.add_unread(queue.keep(pool, Seq{8}, bytes("0123456789")));
  EXPECT_EQ(queue.keep(pool, Seq{18}, bytes("abcdefghij")), 6u);
  queue.add_unread(6);
  EXPECT_EQ(read_all(), "0123456789abcdef") << "around the end of the ring";
}

TEST_F(RxQueueTest, ShowsAllThatIsUnreadInOnePieceAlsoAroundTheEndOfTheRing) {
  queue.start_at(Seq{10});
  ASSERT_TRUE(queue.reserve(pool, 0, Instant{}));
  queue.add_unread(queue.keep(pool, Seq{10}, bytes("0123456789")));
  const auto all = queue.front(pool);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(all.data()), all.size()), "0123456789");
  queue.take(3);  // the rest is left, and shown again with what follows
  queue.add_unread(queue.keep(pool, Seq{20}, bytes("ab")));
  const auto rest = queue.front(pool);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(rest.data()), rest.size()), "3456789ab");
}

TEST_F(RxQueueTest, JoinsTextThatCameAheadOfAGap) {
  queue.start_at(Seq{0});
  ASSERT_TRUE(queue.reserve(pool, 0, Instant{}));
  EXPECT_TRUE(queue.fits(pool, 16));
  EXPECT_FALSE(queue.fits(pool, 17));
  queue.write(pool, Seq{3}, bytes("lo"));
  EXPECT_EQ(queue.unread(), 0u);
  queue.add_unread(queue.keep(pool, Seq{0}, bytes("hel")) + 2);
  EXPECT_EQ(read_all(), "hello");
}

TEST_F(RxQueueTest, GetsNoBufferFromAnEmptyPool) {
  flow::RxQueue first, second;
  ASSERT_TRUE(first.reserve(pool, 0, Instant{}));
  ASSERT_TRUE(second.reserve(pool, 0, Instant{}));
  EXPECT_FALSE(queue.reserve(pool, 0, Instant{}));
  EXPECT_FALSE(queue.has_buffer());
  first.release(pool);
  EXPECT_TRUE(queue.reserve(pool, 0, Instant{}));
}

TEST_F(RxQueueTest, RemembersItsTwoFactsApart) {
  queue.set_stalled(true);
  EXPECT_TRUE(queue.is_stalled());
  EXPECT_FALSE(queue.has_fin());
  queue.set_fin(true);
  queue.set_stalled(false);
  EXPECT_TRUE(queue.has_fin());
  EXPECT_FALSE(queue.is_stalled());
}

}  // namespace
}  // namespace mayfly::testing
