// The raffle: every N-th request of a registered client wins, at the same place in the order on every server.
//
// A pure function of the delivered log; one owner. The order carries runs: client C made the requests first …
// first + count − 1 on server S. Requests of a run that were counted before are left out, by (client,
// request), so a request that was repeated through another server counts once. The rest is hashed and
// counted. One hash compares the histories of two servers.
//
// The running hash, in hexadecimal, is SHA-256 over the hash before, a line feed, and "SERVER FIRST COUNT
// CLIENT" of one accepted run. It starts from 64 zeros. The exported record is described in the folder's
// README. `verify_record` checks it, and so can ten lines of Python.
//
// Bounds: `clients_max` clients, of which the least recently counted is dropped first; `gaps_max` intervals
// of counted requests a client; `runs_kept` and `draws_kept` for the record. All depend on the log alone, so
// all servers drop the same.
#pragma once

#include "clocksync/ring/planted_bug.hpp"
#include "clocksync/ring/types.hpp"
#include "net/rpc/request_watch.hpp"
#include "wire/result.hpp"

#include <deque>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace stadion::clocksync {

struct request_run {
    server_id server = 0;
    std::string client;
    std::uint64_t first = 0;
    std::uint64_t count = 0;

    friend bool operator==(const request_run&, const request_run&) = default;
};

// A message of the order: the runs of one flush. `server` is not sent; it is the message's origin. A run that
// counts nothing, or goes beyond `request_max`, is left out alone; the rest of the message counts.
inline constexpr std::uint64_t request_max = net::request_watch::id_max;
std::string encode_runs(const std::vector<request_run>& runs);
wire::result<std::vector<request_run>> decode_runs(server_id origin, std::string_view message);

struct raffle_draw {
    std::uint64_t number = 0;  // 1, 2, …
    std::uint64_t request = 0; // its place among all counted requests: number · every
    std::string client;
    std::uint64_t client_request = 0;
    server_id server = 0;
    std::string hash; // of the log up to and with the run that won

    friend bool operator==(const raffle_draw&, const raffle_draw&) = default;
};

struct raffle_settings {
    std::uint32_t every = 100;
    std::size_t clients_max = 100'000;
    std::size_t gaps_max = 16;
    std::size_t runs_kept = 100'000;
    std::size_t draws_kept = 10'000;
    planted_bug bug = planted_bug::none;
};

// "<64 hexadecimal digits>" for an accepted run after `before`.
std::string next_hash(std::string_view before, const request_run& run);

// The export: the runs kept, and the draws they decided.
struct raffle_record {
    std::uint32_t every = 0;
    std::uint64_t requests_before = 0; // requests counted before the first run
    std::string hash_before;
    std::deque<request_run> runs;
    std::deque<raffle_draw> draws;
    std::uint64_t requests = 0;
    std::string hash;

    std::string text() const; // for `verify_record`, one JSON object a line
};

class raffle {
public:
    explicit raffle(raffle_settings settings);

    // Counts one delivered message and returns the draws it decided. A malformed message counts nothing, on
    // any server.
    std::vector<raffle_draw> deliver(server_id origin, std::string_view message);

    // The number that the client's next request may have: one above the highest counted.
    std::uint64_t next_request(std::string_view client) const;

    std::uint64_t requests() const { return requests_; }
    const std::string& hash() const { return hash_; }
    const std::deque<raffle_draw>& draws() const { return draws_; }
    std::uint32_t every() const { return settings_.every; }

    raffle_record take_record() const;
    std::string record() const { return take_record().text(); }

    // The state for a newcomer: restore(save()) gives the same raffle, without the record's runs.
    std::string save() const;
    wire::result<void> restore(std::string_view snapshot);

private:
    struct interval {
        std::uint64_t first, last;
    };
    struct client_entry {
        std::string name;
        std::vector<interval> counted; // ascending, not touching
    };
    using client_list = std::list<client_entry>; // least recently counted first

    client_entry& entry_of(const std::string& client);
    std::vector<request_run> take_new(client_entry& entry, const request_run& run) const;
    void insert(std::vector<interval>& counted, interval added) const;
    void count(const request_run& run, std::vector<raffle_draw>& out);
    void forget_oldest_run();

    raffle_settings settings_;
    std::uint64_t requests_ = 0;
    std::string hash_;
    std::deque<raffle_draw> draws_;
    client_list clients_;
    std::unordered_map<std::string_view, client_list::iterator> by_name_; // never iterated

    std::deque<request_run> runs_;      // the accepted ones, for the record
    std::uint64_t requests_before_ = 0; // requests counted before the first kept run
    std::string hash_before_;
};

struct record_summary {
    std::uint32_t every = 0;
    std::uint64_t first_request = 0; // the record covers the requests after this one …
    std::uint64_t requests = 0;      // … up to this one
    std::uint64_t draws = 0;
    std::string hash;
};

// Recomputes counter, hash and winners of an exported record; the error names the line that is wrong.
wire::result<record_summary> verify_record(std::string_view record);

} // namespace stadion::clocksync
