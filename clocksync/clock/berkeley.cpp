#include "clocksync/clock/berkeley.hpp"

#include <algorithm>
#include <cmath>

namespace stadion::clocksync {
namespace {

double nanoseconds_of(duration d) { return static_cast<double>(d.count()); }
duration duration_of(double ns) { return duration(std::llround(ns)); }

// False for values that no leader sends and that would overflow the computation.
bool is_possible(const clock_correction& said) {
    constexpr std::int64_t ns_max = std::int64_t{1} << 62;
    const auto in_range = [](std::int64_t ns) { return ns > -ns_max && ns < ns_max; };
    const bool rates = std::abs(said.rate) <= 0.01 && said.drift_bound >= 0 && said.drift_bound <= 0.01;
    return rates && in_range(said.at.count()) && in_range(said.measured.count()) && in_range(said.target) &&
           said.bound >= duration{0} && said.bound <= std::chrono::hours(1);
}

} // namespace

berkeley::berkeley(berkeley_settings settings, ring_member self, cluster_clock clock, ring_key key)
    : settings_(settings), self_(self), clock_(std::move(clock)), key_(key) {}

bool berkeley::is_from_ring(ring_key shown) const {
    return clocksync::is_from_ring(key_, shown) || settings_.bug == planted_bug::clock_believes_strangers;
}

// ---- being polled

clock_reply berkeley::on_probe(instant now, const clock_probe& probe) {
    if (is_from_ring(probe.key)) note_epoch(probe.epoch);
    return answer_probe(published(), now, probe);
}

clock_reply answer_probe(const published_clock& published, instant now, const clock_probe& probe) {
    const clock_line& line = published.line;
    clock_reply reply;
    reply.epoch = published.epoch;
    reply.round = probe.round;
    reply.index = probe.index;
    reply.received = now;
    reply.sent = now;
    reply.target = line.target_at(now);
    reply.rate = line.rate;
    reply.error = line.error_at(now);
    reply.drift_bound = line.drift_bound;
    reply.synchronised = line.synchronised;
    reply.corrected = published.corrected;
    reply.incarnation = published.incarnation;
    return reply;
}

bool berkeley::on_correction(instant now, const clock_correction& correction) {
    return is_from_ring(correction.key) && is_possible(correction) && apply(now, correction);
}

bool berkeley::apply(instant now, const clock_correction& correction) {
    note_epoch(correction.epoch);
    // It was measured for another incarnation's clock: ignored, and refused only if its epoch is old.
    if (correction.incarnation != self_.incarnation) return correction.epoch >= clock_.epoch();
    if (!clock_.correct(now, correction))
        return correction.epoch >= clock_.epoch(); // a repetition is not refused
    corrected_ = correction.epoch;
    return true;
}

// ---- leading

berkeley_actions berkeley::on_leader(instant now, epoch_number epoch, server_id leader) {
    if (epoch < clock_.epoch()) return {};
    clock_.note_epoch(epoch);
    const bool led = leads();
    leader_ = leader;
    if (!leads()) {
        next_round_ = burst_end_ = never;
        return {};
    }
    if (!led) {
        peers_.clear();
        rounds_led_ = 0;
        referenced_ = now;
    }
    const clock_line& line = clock_.line();
    inherited_at_ = now;
    inherited_ = line.synchronised ? line.error_at(now) : duration{0};
    inherited_drift_ = line.synchronised ? line.drift_bound : 2 * settings_.drift_max;
    berkeley_actions out;
    start_round(now, out);
    return out;
}

berkeley_actions berkeley::on_view(instant now, const fleet_view& view) {
    berkeley_actions out;
    const bool grew = leads() && view.ring != ring_;
    ring_ = view.ring;
    if (const ring_member* const me = find_member(ring_, self_.id)) self_ = std::max(self_, *me);
    if (grew && burst_end_ == never) start_round(now, out); // a newcomer waits for its first correction
    return out;
}

// A higher epoch deposes this server as leader.
void berkeley::note_epoch(epoch_number epoch) {
    if (epoch <= clock_.epoch()) return;
    clock_.note_epoch(epoch);
    leader_ = 0;
    next_round_ = burst_end_ = never;
}

instant berkeley::deadline() const {
    if (burst_end_ == never) return next_round_;
    instant due = burst_end_;
    for (const auto& [id, p] : peers_) due = std::min(due, p.probe_due);
    return due;
}

berkeley_actions berkeley::tick(instant now) {
    berkeley_actions out;
    if (burst_end_ != never) {
        for (auto& [id, p] : peers_)
            if (now >= p.probe_due) probe(now, p, out); // the answer got lost
        if (now >= burst_end_) finish_round(now, out);
    } else if (now >= next_round_) {
        start_round(now, out);
    }
    return out;
}

void berkeley::start_round(instant now, berkeley_actions& out) {
    ++round_;
    next_round_ = never;
    burst_end_ = now + settings_.burst_timeout;
    std::erase_if(peers_, [this](const auto& entry) {
        return std::ranges::find(ring_, entry.second.who) == ring_.end();
    });
    for (const ring_member& m : ring_) {
        if (m.id == self_.id) continue;
        peer& p = peers_.try_emplace(m.id, m, settings_.drift_max).first->second;
        p.burst.clear();
        p.sent = 0;
        p.done = false;
        probe(now, p, out);
    }
    if (peers_.empty()) finish_round(now, out);
}

void berkeley::probe(instant now, peer& to, berkeley_actions& out) {
    to.done = to.sent == settings_.burst;
    to.probe_due = to.done ? never : now + settings_.probe_timeout;
    if (to.done) return;
    ++to.sent;
    to.sent_at = now;
    out.push_back(send_probe{to.who.id, clock_probe{clock_.epoch(), round_, to.sent, key_}});
}

berkeley_actions berkeley::on_reply(instant now, server_id from, const clock_reply& reply) {
    berkeley_actions out;
    if (reply.epoch > clock_.epoch()) {
        note_epoch(reply.epoch);
        return out;
    }
    const auto found = peers_.find(from);
    if (!leads() || burst_end_ == never || found == peers_.end()) return out;
    peer& p = found->second;
    if (reply.round != round_ || reply.index != p.sent || p.done || reply.incarnation != p.who.incarnation)
        return out;
    p.burst.add(p.sent_at, reply.received, reply.sent, now);
    p.last = reply;
    probe(now, p, out);
    const bool all_done = std::ranges::all_of(peers_, [](const auto& entry) { return entry.second.done; });
    if (all_done) finish_round(now, out);
    return out;
}

void berkeley::finish_round(instant now, berkeley_actions& out) {
    burst_end_ = never;
    ++rounds_led_;
    const unsigned doublings =
        rounds_led_ > settings_.rounds_first ? rounds_led_ - settings_.rounds_first : 0;
    next_round_ =
        now + std::min(settings_.period_max, settings_.period_first * (1 << std::min(doublings, 20U)));

    std::vector<estimate> all = take_estimates(now);
    if (all.size() <= ring_.size() / 2) return; // no majority: hold over
    if (everyone_follows()) {
        inherited_ = duration{0};
        inherited_drift_ = 0;
    }
    const duration shift = move_reference(now, all);
    for (const estimate& e : all) correct(now, e, shift, out); // this server first: it moves the reference
}

std::vector<berkeley::estimate> berkeley::take_estimates(instant now) {
    const clock_line& line = clock_.line();
    std::vector<estimate> all;
    estimate& own = all.emplace_back();
    own.who = self_.id;
    own.incarnation = self_.incarnation;
    own.at = own.measured = now;
    own.rate = line.rate;
    own.drift_bound = settings_.reference_wander;
    own.error = line.error_at(now);
    own.synchronised = line.synchronised;
    for (auto& [id, p] : peers_) {
        const auto sample = p.burst.sample(2 * settings_.drift_max);
        p.probe_due = never;
        if (!sample || sample->half_width > settings_.half_width_max) continue;
        p.samples.add(*sample);
        all.push_back(estimate_of(now, p));
    }
    return all;
}

berkeley::estimate berkeley::estimate_of(instant now, const peer& from) const {
    const clock_line& ours = clock_.line();
    const clock_samples::line fit = from.samples.fit();
    const double since = nanoseconds_of(now - fit.at);

    estimate e;
    e.who = from.who.id;
    e.incarnation = from.who.incarnation;
    e.at = now + duration_of(fit.offset_ns + fit.rate * since);
    const duration since_sent = e.at - from.last.sent;
    const std::int64_t theirs =
        from.last.target + since_sent.count() + std::llround(nanoseconds_of(since_sent) * from.last.rate);
    e.offset_ns = static_cast<double>(theirs - ours.target_at(now));
    e.bound = fit.bound + duration_of(std::abs(since) * fit.rate_error) + duration(1);
    if (settings_.bug == planted_bug::clock_bound_without_delay) e.bound = duration(1);
    e.measured = e.at;
    e.error = from.last.error;
    e.synchronised = from.last.synchronised;

    // Keeps the rate that the server has, with the bound it reports, unless the samples give a better one.
    const bool follows = from.last.corrected == clock_.epoch();
    const double kept = from.last.drift_bound + (follows ? 0 : inherited_drift_);
    const double fitted = fit.rate_error + settings_.rate_wander + settings_.reference_wander +
                          (fit.rate_known ? 0 : std::abs(from.last.rate - ours.rate));
    const bool keep = from.last.synchronised && fitted > 1.5 * kept;
    e.drift_bound = keep ? kept : fitted;
    const double wanted = keep || !fit.rate_known ? from.last.rate : (1 + ours.rate) / (1 + fit.rate) - 1;
    e.rate = std::clamp(wanted, -2 * settings_.drift_max, 2 * settings_.drift_max);
    e.drift_bound += std::abs(e.rate - wanted);
    return e;
}

// The largest set whose offsets may lie within γ of one another, given their bounds, if it is a majority;
// else none.
std::vector<berkeley::estimate> berkeley::agreeing(std::vector<estimate> voters) const {
    std::ranges::sort(voters, {}, &estimate::offset_ns);
    const auto agree = [this](const estimate& low, const estimate& high) {
        return high.offset_ns - low.offset_ns <= nanoseconds_of(settings_.agreement + low.bound + high.bound);
    };
    std::size_t best = 0, best_size = 0;
    for (std::size_t first = 0, last = 0; last < voters.size(); ++last) {
        while (!agree(voters[first], voters[last])) ++first;
        if (last + 1 - first > best_size) {
            best = first;
            best_size = last + 1 - first;
        }
    }
    if (best_size <= voters.size() / 2) return {};
    const auto begin = voters.begin() + static_cast<std::ptrdiff_t>(best);
    return {begin, begin + static_cast<std::ptrdiff_t>(best_size)};
}

// How far to move the reference towards the average. Servers that were never corrected count only if none
// was.
duration berkeley::move_reference(instant now, const std::vector<estimate>& all) {
    std::vector<estimate> voters;
    std::ranges::copy_if(all, std::back_inserter(voters), &estimate::synchronised);
    const bool first_ever = voters.empty();
    if (first_ever) voters = all;
    const std::vector<estimate> set = agreeing(voters);
    double average = 0;
    for (const estimate& e : set) average += e.offset_ns / static_cast<double>(set.size());

    const duration elapsed = now - referenced_;
    referenced_ = now;
    if (clock_.line().synchronised) {
        const double limit = settings_.reference_wander * nanoseconds_of(elapsed);
        return duration_of(std::clamp(average, -limit, limit));
    }
    if (first_ever) return duration_of(average);
    // A leader that was never corrected takes over the majority's time, or without one that of the smallest
    // error. Until every server follows, the bounds must cover the time that any of them may have shown.
    if (set.empty()) average = std::ranges::min(voters, {}, &estimate::error).offset_ns;
    inherited_at_ = now;
    for (const estimate& e : voters)
        inherited_ = std::max(inherited_, duration_of(std::abs(e.offset_ns - average)) + e.bound + e.error);
    return duration_of(average);
}

void berkeley::correct(instant now, const estimate& of, duration shift, berkeley_actions& out) {
    clock_correction correction;
    correction.epoch = clock_.epoch();
    correction.round = round_;
    correction.incarnation = of.incarnation;
    correction.at = of.at;
    correction.measured = of.measured;
    correction.target = clock_.line().target_at(now) + (of.who == self_.id ? shift.count() : 0);
    correction.rate = of.rate;
    correction.bound =
        of.bound + inherited_ + duration_of(nanoseconds_of(now - inherited_at_) * inherited_drift_);
    correction.drift_bound = of.drift_bound + inherited_drift_;
    correction.key = key_;
    const duration offset = duration_of(of.offset_ns) - shift;
    offsets_[of.who] = offset;
    if (of.who == self_.id)
        apply(now, correction);
    else
        out.push_back(send_correction{of.who, correction, -offset});
}

bool berkeley::everyone_follows() const {
    return std::ranges::all_of(ring_, [this](const ring_member& m) {
        const auto found = peers_.find(m.id);
        return m.id == self_.id || (found != peers_.end() && found->second.done &&
                                    found->second.last.corrected == clock_.epoch());
    });
}

} // namespace stadion::clocksync
