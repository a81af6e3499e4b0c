#include "clocksync/raffle/raffle.hpp"

#include "clocksync/order/order_frame.hpp"
#include "wire/hex.hpp"

#include <openssl/sha.h>

#include <algorithm>

namespace stadion::clocksync {

std::string encode_runs(const std::vector<request_run>& runs) {
    std::string out;
    for (const request_run& run : runs) {
        append_message(out, run.client);
        append_varint(out, run.first);
        append_varint(out, run.count);
    }
    return out;
}

wire::result<std::vector<request_run>> decode_runs(server_id origin, std::string_view message) {
    std::vector<request_run> runs;
    while (!message.empty()) {
        std::string_view client;
        request_run run;
        run.server = origin;
        const bool read =
            take_bytes(message, client) && take_varint(message, run.first) && take_varint(message, run.count);
        if (!read) return wire::make_error(wire::status::invalid_argument, "malformed runs of requests");
        if (run.count == 0 || run.count > request_max || run.first > request_max - (run.count - 1)) continue;
        run.client = client;
        runs.push_back(std::move(run));
    }
    return runs;
}

std::string next_hash(std::string_view before, const request_run& run) {
    std::string text(before);
    text += '\n' + std::to_string(run.server) + ' ' + std::to_string(run.first) + ' ' +
            std::to_string(run.count) + ' ' + run.client;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
    return wire::to_hex({reinterpret_cast<const char*>(digest), sizeof digest});
}

raffle::raffle(raffle_settings settings) : settings_(settings), hash_(64, '0'), hash_before_(hash_) {}

std::vector<raffle_draw> raffle::deliver(server_id origin, std::string_view message) {
    std::vector<raffle_draw> decided;
    auto runs = decode_runs(origin, message);
    if (!runs) return decided;
    for (const request_run& run : *runs)
        for (const request_run& fresh : take_new(entry_of(run.client), run)) count(fresh, decided);
    return decided;
}

void raffle::count(const request_run& run, std::vector<raffle_draw>& out) {
    hash_ = next_hash(hash_, run);
    const std::uint64_t before = requests_;
    requests_ += settings_.bug == planted_bug::raffle_counts_run_once ? 1 : run.count;
    for (std::uint64_t number = before / settings_.every + 1; number * settings_.every <= requests_;
         ++number) {
        const std::uint64_t request = number * settings_.every;
        draws_.push_back(
            {number, request, run.client, run.first + (request - before - 1), run.server, hash_});
        out.push_back(draws_.back());
    }
    runs_.push_back(run);
    if (runs_.size() > settings_.runs_kept) forget_oldest_run();
    while (draws_.size() > settings_.draws_kept) {
        while (requests_before_ < draws_.front().request && !runs_.empty()) forget_oldest_run();
        draws_.pop_front();
    }
}

void raffle::forget_oldest_run() {
    requests_before_ += runs_.front().count;
    hash_before_ = next_hash(hash_before_, runs_.front());
    runs_.pop_front();
}

// ---- the duplicate table

raffle::client_entry& raffle::entry_of(const std::string& client) {
    if (const auto found = by_name_.find(client); found != by_name_.end()) {
        clients_.splice(clients_.end(), clients_, found->second);
        return *found->second;
    }
    if (clients_.size() == settings_.clients_max) {
        by_name_.erase(clients_.front().name);
        clients_.pop_front();
    }
    clients_.push_back({client, {}});
    by_name_.emplace(clients_.back().name, std::prev(clients_.end()));
    return clients_.back();
}

// The parts of the run that were not counted yet. They are marked as counted.
std::vector<request_run> raffle::take_new(client_entry& entry, const request_run& run) const {
    std::vector<request_run> fresh;
    std::uint64_t next = run.first;
    const std::uint64_t last = run.first + run.count - 1;
    for (const interval& counted : entry.counted) {
        if (settings_.bug == planted_bug::raffle_no_client_check || counted.last < next) continue;
        if (counted.first > last) break;
        if (counted.first > next) fresh.push_back({run.server, run.client, next, counted.first - next});
        next = counted.last + 1;
    }
    if (next <= last) fresh.push_back({run.server, run.client, next, last - next + 1});
    insert(entry.counted, {run.first, last});
    return fresh;
}

void raffle::insert(std::vector<interval>& counted, interval added) const {
    const auto touches = [&](const interval& i) {
        return i.last + 1 >= added.first && (added.last == ~std::uint64_t{0} || i.first <= added.last + 1);
    };
    const auto begin = std::ranges::find_if(counted, touches);
    auto end = begin;
    for (; end != counted.end() && touches(*end); ++end) {
        added.first = std::min(added.first, end->first);
        added.last = std::max(added.last, end->last);
    }
    const auto place = counted.erase(begin, end);
    counted.insert(
        place == counted.end() ? std::ranges::upper_bound(counted, added.first, {}, &interval::first) : place,
        added);
    if (counted.size() <= settings_.gaps_max) return;
    counted[1].first = counted[0].first; // the lowest gap is closed: its requests are taken for counted
    counted.erase(counted.begin());
}

std::uint64_t raffle::next_request(std::string_view client) const {
    const auto found = by_name_.find(client);
    if (found == by_name_.end() || found->second->counted.empty()) return 1;
    return found->second->counted.back().last + 1;
}

// ---- the newcomer's snapshot

std::string raffle::save() const {
    std::string out;
    append_varint(out, requests_);
    append_message(out, hash_);
    append_varint(out, clients_.size());
    for (const client_entry& entry : clients_) {
        append_message(out, entry.name);
        append_varint(out, entry.counted.size());
        for (const interval& i : entry.counted) {
            append_varint(out, i.first);
            append_varint(out, i.last - i.first);
        }
    }
    append_varint(out, draws_.size());
    for (const raffle_draw& draw : draws_) {
        append_varint(out, draw.number);
        append_varint(out, draw.request);
        append_message(out, draw.client);
        append_varint(out, draw.client_request);
        append_varint(out, draw.server);
        append_message(out, draw.hash);
    }
    return out;
}

wire::result<void> raffle::restore(std::string_view snapshot) {
    raffle fresh(settings_);
    if (snapshot.empty()) { // the log begins here
        *this = std::move(fresh);
        return {};
    }
    const wire::error malformed =
        wire::make_error(wire::status::invalid_argument, "malformed snapshot of the raffle");
    std::string_view hash, name;
    std::uint64_t clients, draws;
    if (!take_varint(snapshot, fresh.requests_) || !take_bytes(snapshot, hash) || hash.size() != 64 ||
        !take_varint(snapshot, clients))
        return malformed;
    const std::string hash_of_log(hash);
    for (std::uint64_t i = 0; i < clients; ++i) {
        std::uint64_t intervals, first, length;
        if (!take_bytes(snapshot, name) || !take_varint(snapshot, intervals)) return malformed;
        client_entry& entry = fresh.entry_of(std::string(name));
        for (std::uint64_t j = 0; j < intervals; ++j) {
            if (!take_varint(snapshot, first) || !take_varint(snapshot, length)) return malformed;
            entry.counted.push_back({first, first + length});
        }
    }
    if (!take_varint(snapshot, draws)) return malformed;
    for (std::uint64_t i = 0; i < draws; ++i) {
        raffle_draw draw;
        std::uint64_t server;
        if (!take_varint(snapshot, draw.number) || !take_varint(snapshot, draw.request) ||
            !take_bytes(snapshot, name) || !take_varint(snapshot, draw.client_request) ||
            !take_varint(snapshot, server) || !take_bytes(snapshot, hash))
            return malformed;
        draw.client = name;
        draw.server = static_cast<server_id>(server);
        draw.hash = hash;
        fresh.draws_.push_back(std::move(draw));
    }
    if (!snapshot.empty()) return malformed;
    fresh.requests_before_ = fresh.requests_;
    fresh.hash_ = fresh.hash_before_ = hash_of_log;
    *this = std::move(fresh);
    return {};
}

} // namespace stadion::clocksync
