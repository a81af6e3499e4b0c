#include "clocksync/order/ordered_multicast.hpp"

#include <algorithm>
#include <cassert>

namespace stadion::clocksync {

ordered_multicast::ordered_multicast(order_settings settings, ring_member self)
    : settings_(settings),
      self_(self),
      process_incarnation_(self.incarnation),
      coordinator_(self.id, settings.view_retry, settings.unix_ahead, settings.bug) {}

std::size_t ordered_multicast::slot_of(server_id id) const {
    for (std::size_t i = 0; i < members_.size(); ++i)
        if (members_[i].id == id) return i;
    return nowhere;
}

std::uint64_t ordered_multicast::lag() const {
    std::uint64_t waiting = 0;
    for (const chunk& c : chunks_) waiting += c.count;
    if (installed())
        for (const batch& b : held_.of(own_slot_)) waiting += b.count;
    return waiting;
}

// No member will send another batch at or below this timestamp.
std::uint64_t ordered_multicast::agreed() const {
    std::uint64_t lowest = clock_;
    for (std::size_t i = 0; i < senders_.size(); ++i)
        if (i != own_slot_) lowest = std::min(lowest, senders_[i].promise);
    return lowest;
}

std::vector<std::uint64_t> ordered_multicast::own_holdings() const {
    std::vector<std::uint64_t> holds;
    holds.reserve(senders_.size());
    for (const sender_state& sender : senders_) holds.push_back(sender.received);
    return holds;
}

bool ordered_multicast::is_held_by_all(std::size_t slot, std::uint64_t timestamp) const {
    for (std::size_t i = 0; i < senders_.size(); ++i)
        if (i != own_slot_ && i != slot && senders_[i].holds[slot] < timestamp) return false;
    return true;
}

data_frame ordered_multicast::state() const {
    return {view_, clock_, senders_[own_slot_].received, false, own_holdings(), std::nullopt};
}

// ---- sending

bool ordered_multicast::submit(std::string_view message) {
    if (!has_room(message.size() + 8) || message.size() > settings_.batch_bytes_max) return false;
    const bool fresh = chunks_.empty() || chunks_.back().messages.size() >= settings_.batch_bytes_max ||
                       chunks_.back().first_number + chunks_.back().count != next_number_;
    if (fresh) chunks_.push_back({next_number_, 0, {}});
    chunk& last = chunks_.back();
    const std::size_t before = last.messages.size();
    append_message(last.messages, message);
    own_bytes_ += last.messages.size() - before;
    ++last.count;
    ++next_number_;
    return true;
}

void ordered_multicast::flush(instant now, order_output& out) {
    flush_due_ = never;
    if (!installed() || stopped_) return;
    if (!early_.empty()) take_early(now, out);
    const bool full = !chunks_.empty() && chunks_.front().messages.size() >= settings_.batch_bytes_max;
    if (chunks_.empty() && !unreported_) return;
    if (!full && now - last_flush_ < settings_.flush_interval) {
        flush_due_ = last_flush_ + settings_.flush_interval;
        return;
    }
    last_flush_ = now;
    if (chunks_.empty())
        send_state(out, false);
    else
        send_batches(out);
    if (refresh_due_ == never) refresh_due_ = now + settings_.refresh;
    deliver_held(out);
}

void ordered_multicast::send_batches(order_output& out) {
    for (chunk& c : chunks_) {
        ++clock_;
        data_frame frame = state();
        batch b;
        b.timestamp = frame.timestamp;
        b.previous = frame.previous;
        b.incarnation = process_incarnation_;
        b.first_number = c.first_number;
        b.count = c.count;
        frame.messages = b;

        auto bytes = std::make_shared<std::string>();
        bytes->reserve(c.messages.size() + 96);
        append_data_header(*bytes, frame);
        b.offset = bytes->size();
        b.size = c.messages.size();
        bytes->append(c.messages);
        b.storage = bytes;
        for (const ring_member& m : members_)
            if (m.id != self_.id) out.frames.push_back({m.id, bytes});
        accept(own_slot_, std::move(b));
    }
    unreported_ = false;
    chunks_.clear();
}

void ordered_multicast::send_state(order_output& out, bool asks) {
    data_frame frame = state();
    frame.asks = asks;
    unreported_ = false;
    send_to_members(encode(frame), out);
}

void ordered_multicast::send_to_members(const std::string& frame, order_output& out) const {
    const auto bytes = std::make_shared<const std::string>(frame);
    for (const ring_member& m : members_)
        if (m.id != self_.id) out.frames.push_back({m.id, bytes});
}

void ordered_multicast::send(instant now, server_id to, const order_frame& frame, order_output& out) {
    if (to == self_.id)
        handle(now, self_.id, frame, nullptr, out);
    else
        out.frames.push_back({to, std::make_shared<const std::string>(encode(frame))});
}

void ordered_multicast::send_all(instant now, const addressed_frames& frames, order_output& out) {
    for (const addressed_frame& f : frames)
        if (f.to != self_.id) send(now, f.to, f.frame, out);
    for (const addressed_frame& f : frames)
        if (f.to == self_.id) send(now, f.to, f.frame, out);
}

// ---- receiving

void ordered_multicast::on_frame(instant now, server_id from, std::string_view frame, order_output& out) {
    auto bytes = std::make_shared<const std::string>(frame);
    auto decoded = decode(bytes);
    if (decoded) handle(now, from, std::move(*decoded), std::move(bytes), out);
}

void ordered_multicast::handle(instant now, server_id from, order_frame frame,
                               std::shared_ptr<const std::string> bytes, order_output& out) {
    struct visitor {
        ordered_multicast& me;
        instant now;
        server_id from;
        std::shared_ptr<const std::string> bytes;
        order_output& out;

        void operator()(data_frame& f) { me.handle_data(now, from, std::move(f), std::move(bytes), out); }
        void operator()(resend_frame& f) { me.handle_resend(from, f, out); }
        void operator()(stop_frame& f) { me.handle_stop(now, from, f, out); }
        void operator()(report_frame& f) { me.send_all(now, me.coordinator_.on_report(now, from, f), out); }
        void operator()(propose_frame& f) { me.handle_propose(now, from, f, out); }
        void operator()(fetch_frame& f) { me.handle_fetch(now, from, f, out); }
        void operator()(fill_frame& f) { me.handle_fill(now, std::move(f), out); }
        void operator()(confirm_frame& f) { me.send_all(now, me.coordinator_.on_confirm(now, from, f), out); }
        void operator()(commit_frame& f) { me.handle_commit(now, from, f, out); }
        void operator()(installed_frame& f) {
            me.handle_installed(from, f);
            me.coordinator_.on_installed(from, f);
        }
        void operator()(state_frame& f) { me.handle_state(now, from, std::move(f), out); }
        void operator()(stale_frame& f) { me.raise_epoch(f.epoch); }
        void operator()(taken_frame& f) { me.handle_taken(now, from, f, out); }
    };
    std::visit(visitor{*this, now, from, std::move(bytes), out}, frame);
}

void ordered_multicast::handle_data(instant now, server_id from, data_frame frame,
                                    std::shared_ptr<const std::string> bytes, order_output& out) {
    if (stopped_ == frame.view && bytes && early_.size() < settings_.early_frames_max)
        early_.push_back({from, frame.view, std::move(bytes)});
    const std::size_t slot = slot_of(from);
    if (frame.view != view_ || stopped_ || slot == nowhere || slot == own_slot_) return;
    if (frame.holds.size() != members_.size()) return;
    if (!early_.empty()) take_early(now, out);
    sender_state& sender = senders_[slot];

    const bool repeated = frame.messages && frame.timestamp <= sender.received;
    const bool gap = !repeated && frame.previous > sender.received;
    if (gap && settings_.bug != planted_bug::order_ignores_gap) return ask_again(now, slot, out);

    clock_ = std::max(clock_, frame.timestamp);
    sender.promise = std::max(sender.promise, frame.timestamp);
    for (std::size_t i = 0; i < frame.holds.size(); ++i)
        sender.holds[i] = std::max(sender.holds[i], frame.holds[i]);
    if (frame.messages && !repeated) accept(slot, std::move(*frame.messages));
    if (frame.asks) send(now, from, state(), out);
    if (refresh_due_ == never && !held_.empty()) refresh_due_ = now + settings_.refresh;
    deliver_held(out);
}

void ordered_multicast::accept(std::size_t slot, batch b) {
    senders_[slot].received = b.timestamp;
    unreported_ = true;
    held_.add(slot, std::move(b));
}

// At most once per gap and refresh interval.
void ordered_multicast::ask_again(instant now, std::size_t slot, order_output& out) {
    sender_state& sender = senders_[slot];
    if (sender.asked_after == sender.received && now - sender.asked_at < settings_.refresh) return;
    sender.asked_after = sender.received;
    sender.asked_at = now;
    send(now, members_[slot].id, resend_frame{view_, sender.received}, out);
}

void ordered_multicast::handle_resend(server_id from, const resend_frame& frame, order_output& out) {
    if (frame.view != view_ || !installed() || stopped_) return;
    for (const batch& b : held_.of(own_slot_)) {
        if (b.timestamp <= frame.after) continue;
        const data_frame again{view_, b.timestamp, b.previous, false, own_holdings(), b};
        out.frames.push_back({from, std::make_shared<const std::string>(encode(again))});
    }
}

void ordered_multicast::on_peer_up(instant, server_id peer, order_output& out) {
    handle_resend(peer, resend_frame{view_, 0}, out);
}

// ---- delivering

void ordered_multicast::deliver_held(order_output& out) {
    if (!installed() || stopped_) return;
    const std::uint64_t limit = agreed();
    std::size_t slot = 0;
    while (const batch* first = held_.next([limit](std::size_t) { return limit; }, slot)) {
        if (!is_held_by_all(slot, first->timestamp) && settings_.bug != planted_bug::order_delivers_agreed)
            return;
        deliver(slot, held_.pop(slot), out);
    }
}

void ordered_multicast::deliver(std::size_t slot, batch b, order_output& out) {
    const server_id origin = members_[slot].id;
    if (slot == own_slot_) own_bytes_ -= std::min(own_bytes_, b.size);
    const auto [place, unknown] = delivered_.try_emplace({origin, b.incarnation});
    delivered_number& last = place->second;
    if (unknown) {
        last = {origin, b.incarnation, b.first_number - 1, index_};
        if (delivered_.size() > origins_max) forget_oldest_origin();
    }

    std::uint64_t skip = last.number >= b.first_number ? last.number - b.first_number + 1 : 0;
    if (settings_.bug == planted_bug::order_no_origin_check) skip = 0;
    if (skip >= b.count) return;
    const std::uint64_t fresh = b.count - skip;
    last.number = b.first_number + b.count - 1;
    last.index = index_;
    const std::uint64_t first = index_;
    index_ += fresh;
    out.deliveries.push_back({first, origin, std::move(b), skip});
}

// Chosen by the log's index alone, so that all servers drop the same one.
void ordered_multicast::forget_oldest_origin() {
    auto oldest = delivered_.begin();
    for (auto it = delivered_.begin(); it != delivered_.end(); ++it)
        if (it->second.index < oldest->second.index) oldest = it;
    delivered_.erase(oldest);
}

// ---- time

instant ordered_multicast::deadline() const {
    return std::min({flush_due_, refresh_due_, coordinator_.deadline(), donation_ ? donation_due_ : never});
}

void ordered_multicast::tick(instant now, order_output& out) {
    send_all(now, coordinator_.tick(now), out);
    if (now >= refresh_due_) {
        refresh_due_ = never;
        if (installed() && !stopped_ && !held_.empty()) {
            send_state(out, true);
            refresh_due_ = now + settings_.refresh;
        }
    }
    if (donation_ && now >= donation_due_) donate_again(now, out);
    flush(now, out);
}

} // namespace stadion::clocksync
