#include "nic/spare_frames.h"

#include <gtest/gtest.h>
#include <rte_mempool.h>

#include <vector>

#include "link/port.h"
#include "unit/nic/eal_environment.h"

namespace mayfly::testing {
namespace {

using nic::SpareFrames;

constexpr unsigned kFrames = 255;

rte_mempool* make_pool(const char* name, std::uint16_t room) {
  return rte_pktmbuf_pool_create(name, kFrames, 0, 0, RTE_PKTMBUF_HEADROOM + room, SOCKET_ID_ANY);
}

class SpareFramesTest : public ::testing::Test {
 protected:
  SpareFramesTest() {
    eal();
    pool = make_pool("spare_frames", link::kFrameRoom);
    other = make_pool("others", link::kFrameRoom);
  }
  ~SpareFramesTest() override {
    EXPECT_EQ(rte_mempool_avail_count(pool), kFrames) << "none is lost";
    rte_mempool_free(pool);
    rte_mempool_free(other);
  }

  rte_mempool *pool = nullptr, *other = nullptr;
};

TEST_F(SpareFramesTest, GiveTheLastOneFirstAsIfItWereNew) {
  SpareFrames spare(pool, false);
  rte_mbuf* const first = rte_pktmbuf_alloc(pool);
  rte_mbuf* const second = rte_pktmbuf_alloc(pool);
  second->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_BAD;
  ASSERT_NE(rte_pktmbuf_append(second, 100), nullptr);
  ASSERT_NE(rte_pktmbuf_adj(second, 14), nullptr);
  EXPECT_TRUE(spare.keep(first) && spare.keep(second));
  rte_mbuf* const again = spare.take();
  EXPECT_EQ(again, second);
  EXPECT_EQ(again->data_off, RTE_PKTMBUF_HEADROOM);
  EXPECT_EQ(again->data_len, 0);
  EXPECT_EQ(again->ol_flags, 0u);
  EXPECT_EQ(spare.take(), first);
  rte_pktmbuf_free(first);
  rte_pktmbuf_free(second);
}

// A line that two cores write in turn costs each of them a stall.
TEST_F(SpareFramesTest, DoNotWriteTheSecondLineOfAHead) {
  SpareFrames spare(pool, false);
  rte_mbuf* const frame = rte_pktmbuf_alloc(pool);
  frame->tx_offload = 7;  // it has a meaning with flags alone, of which there are none
  EXPECT_TRUE(spare.keep(frame));
  EXPECT_EQ(spare.take()->tx_offload, 7u);
  rte_pktmbuf_free(frame);
}

TEST_F(SpareFramesTest, TakeAllThatThePoolHasWhenNoneIsKept) {
  SpareFrames spare(pool, false);
  std::vector<rte_mbuf*> taken;
  while (rte_mbuf* const frame = spare.take()) {
    EXPECT_EQ(frame->data_off, RTE_PKTMBUF_HEADROOM);
    EXPECT_EQ(frame->data_len, 0);
    EXPECT_EQ(frame->ol_flags, 0u);
    EXPECT_EQ(frame->nb_segs, 1);
    EXPECT_EQ(rte_mbuf_refcnt_read(frame), 1);
    taken.push_back(frame);
  }
  EXPECT_EQ(taken.size(), kFrames);
  EXPECT_EQ(spare.take(), nullptr);
  EXPECT_TRUE(spare.keep(taken.back()));
  EXPECT_EQ(spare.take(), taken.back());
  for (rte_mbuf* const frame : taken) rte_pktmbuf_free(frame);
}

TEST_F(SpareFramesTest, LeaveToTheirOwnerWhatThereIsNoRoomFor) {
  std::vector<rte_mbuf*> frames(SpareFrames::kCapacity + 1);
  ASSERT_EQ(rte_pktmbuf_alloc_bulk(pool, frames.data(), static_cast<unsigned>(frames.size())), 0);
  SpareFrames spare(pool, false);  // frees the others at its end
  for (std::size_t i = 0; i < SpareFrames::kCapacity; ++i) EXPECT_TRUE(spare.keep(frames[i]));
  EXPECT_FALSE(spare.keep(frames.back()));
  rte_pktmbuf_free(frames.back());
}

TEST_F(SpareFramesTest, KeepNoFrameThatSomebodyElseRefersTo) {
  SpareFrames spare(pool, false);
  rte_mbuf* const shared = rte_pktmbuf_alloc(pool);
  rte_mbuf_refcnt_update(shared, 1);
  EXPECT_FALSE(spare.keep(shared));
  rte_pktmbuf_free(shared);
  rte_pktmbuf_free(shared);
}

TEST_F(SpareFramesTest, KeepNoFrameInSeveralBuffers) {
  SpareFrames spare(pool, false);
  rte_mbuf* const head = rte_pktmbuf_alloc(pool);
  ASSERT_EQ(rte_pktmbuf_chain(head, rte_pktmbuf_alloc(pool)), 0);
  EXPECT_FALSE(spare.keep(head));
  rte_pktmbuf_free(head);
}

TEST_F(SpareFramesTest, KeepNoFrameThatIsTooShort) {
  rte_mempool* const narrow = make_pool("narrow", 512);
  SpareFrames spare(pool, false);
  rte_mbuf* const frame = rte_pktmbuf_alloc(narrow);
  EXPECT_FALSE(spare.keep(frame));
  rte_pktmbuf_free(frame);
  rte_mempool_free(narrow);
}

// RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE gives all frames of a burst back to the pool of the first.
TEST_F(SpareFramesTest, KeepNoFrameOfAnotherPoolForADeviceThatFreesThemTogether) {
  SpareFrames spare(pool, true);
  rte_mbuf* const foreign = rte_pktmbuf_alloc(other);
  EXPECT_FALSE(spare.keep(foreign));
  rte_pktmbuf_free(foreign);
  EXPECT_TRUE(spare.keep(rte_pktmbuf_alloc(pool)));
}

}  // namespace
}  // namespace mayfly::testing
