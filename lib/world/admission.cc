#include "world/admission.h"

namespace mayfly::world {
namespace {

/// A SYN that follows so soon is a copy that the network made: RFC 6298 2.4 has no shorter RTO.
constexpr Duration kCopiesWithin = Duration::from_ms(200);

}  // namespace

void Admission::on_syn(Instant now, bool has_room) noexcept {
  if (let_in_ || (unanswered_ && now - last_at_ < kCopiesWithin)) return;
  if (unanswered_) ++refused_;
  if (!arrived_) first_at_ = now;
  arrived_ = unanswered_ = true;
  lacked_room_ = lacked_room_ || !has_room;
  last_at_ = now;
}

void Admission::on_answer(bool is_syn_ack, Instant now) noexcept {
  if (!arrived_ || let_in_) return;
  answered_ = true;
  if (is_syn_ack) {
    let_in_ = true;
    let_in_at_ = now;
  } else if (unanswered_) {
    refused_ += told_ ? 1 : 0;
    asked_ = true;
  }
  unanswered_ = false;
}

void Admission::on_turned_back(Instant now) noexcept {
  if (!let_in_) return;
  ++refused_;
  turned_back_ = lacked_room_ = true;
  let_in_at_ = now;
}

Duration Admission::kept_out(bool is_open, Instant end) const noexcept {
  if (refused() == 0) return {};
  return (is_open || (let_in_ && !turned_back_) ? let_in_at_ : end) - first_at_;
}

}  // namespace mayfly::world
