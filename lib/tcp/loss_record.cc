// Lending and taking back the record that a connection has only while something is lost.
#include <algorithm>

#include "base/assert.h"
#include "tcp/congestion/sent_runs.h"
#include "tcp/tcp.h"

namespace mayfly::tcp {

void lend_record(Connection& c, LossRecord& record) noexcept {
  MAYFLY_ASSERT(c.loss == nullptr && c.sent_count <= kSentRunsFew);
  record = {};
  std::copy_n(c.sent_few.begin(), c.sent_count, record.sent.begin());
  // A recovery that began without a record may still become one that SACK leads.
  if (c.has(conn_flag::recovery))
    record.prr.recover_fs = static_cast<std::uint32_t>(c.recover - c.snd_una);
  c.loss = &record;
}

bool is_record_dispensable(const Connection& c) noexcept {
  return c.loss->sacked.count == 0 && c.sent_count <= kSentRunsFew && !c.has(kRepairs);
}

bool is_record_idle(const Connection& c) noexcept {
  return is_record_dispensable(c) && c.loss->held.count == 0 && !c.loss->undo.armed;
}

LossRecord& take_record_back(Connection& c) noexcept {
  MAYFLY_ASSERT(c.state == State::closed || (is_record_dispensable(c) && c.loss->held.count == 0));
  LossRecord& record = *c.loss;
  c.sent_count = std::min<std::uint8_t>(c.sent_count, kSentRunsFew);
  std::copy_n(record.sent.begin(), c.sent_count, c.sent_few.begin());
  c.loss = nullptr;
  return record;
}

}  // namespace mayfly::tcp
