#include "world/admission.h"

namespace mayfly::world {
namespace {

/// A SYN that follows so soon is a copy that the network made: RFC 6298 2.4 has no shorter RTO.
constexpr Duration kCopiesWithin = Duration::from_ms(200);

}  // namespace

void Admission::on_syn(Instant now, bool has_room) noexcept {
  if (let_in_ || (unanswered_ && now - last_at_ < kCopiesWithin)) return;
  if (is_refused()) waited_ = waited_ + (now - last_at_);
  if (unanswered_) ++refused_;
  denied_ = false;
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
    denied_ = told_;
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
  if (turned_back_) return waited_ + ((is_open ? let_in_at_ : end) - last_at_);
  if (is_open || let_in_ || !is_refused()) return waited_;
  return waited_ + (end - last_at_);
}

}  // namespace mayfly::world
