// What a core does once and again: a burst, with the settings that are in effect by then. Part of
// shard.h.
#pragma once

#include "shard/shard.h"

namespace mayfly::shard {

template <link::Port P, class A>
void Shard<P, A>::follow(const Settings& settings, Instant now) noexcept {
  settings_ = &settings;
  if (!settings.shard.tcp.waits_as(cfg_->tcp)) connections_.begin_retiming();
  cfg_ = &settings.shard;
  time_waits_.follow(cfg_->time_wait, now);
  half_opens_.follow(cfg_->syn);
  orphans_.follow(cfg_->orphans);
  app_.on_settings(settings.app);
  // Last: a thread that reads the number may free earlier settings.
  settings_number_.store(settings.number, std::memory_order_release);
}

template <link::Port P, class A>
std::size_t Shard<P, A>::poll(Instant now) noexcept {
  if (const Settings* next = next_settings_.load(std::memory_order_acquire); next != settings_)
      [[unlikely]]
    follow(*next, now);
  now_ = now;
  connections_.set_clock(now, cfg_->tcp);
  clock_.begin();

  std::size_t work = 0;
  frames_wait_ = false;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const std::size_t frames = receive(static_cast<std::uint8_t>(i));
    frames_wait_ |= frames == kBurstMax;
    work += frames;
  }
  work += admit_syns();
  work += connections_.retime() ? 1 : 0;
  work += connections_.expire(kTimerBudget, [&](flow::ConnectionBlock& b) { on_block_timer(b); });
  work += time_waits_.poll(now);
  clock_.end(flow::Stage::expire);
  app_.on_poll(*this, now);
  clock_.end(flow::Stage::app);
  respond();
  clock_.end(flow::Stage::respond);
  for (const auto& link : links_) link->age(now);
  work += transmit();
  clock_.end(flow::Stage::transmit);
  if (work > 0) clock_.count(stats_);
  return work;
}

template <link::Port P, class A>
Instant Shard<P, A>::next_due() const noexcept {
  if (syn_backlog_.size() > 0) return now_;
  for (std::size_t i = 0; i < links_.size(); ++i)
    if (connections_.has_pending(static_cast<std::uint8_t>(i)) || links_[i]->staged() > 0)
      return now_;
  return std::min({connections_.next_due(), time_waits_.next_due(), app_.next_due()});
}

template <link::Port P, class A>
void Shard<P, A>::announce(Instant now) noexcept {
  now_ = now;
  for (const auto& link : links_) link->announce(now);
  transmit();
}

}  // namespace mayfly::shard
