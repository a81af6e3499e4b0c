// Exactly once, for servers that write for others: sessions in which mutations are numbered.
//
// The problem: a front-end sends a write again when its answer was lost with the connection, and must not
// count twice. Keys made for that would have to be kept for as long as anybody might ask again; but a
// front-end knows when it will not. So it begins a session, numbers its mutations in it 1, 2, 3…, and says
// with each request which is the lowest number it still waits for: what is below is forgotten. (Ongaro,
// "Consensus: bridging theory and practice", 2014, 6.3, has it so for Raft.)
//
// No two sessions are the same: a session is named by the store's opening, and counted from it. An opening
// is the number of the journal's batch that notes it, which no other opening of the directory has, and 32
// random bits, for a directory that was copied and went on twice.
//
// A number is reserved, kept and released as a key is. One that is confirmed is never applied, however late
// it comes. Bounds: numbers reach `window` beyond the lowest open one, and then are to be sent again later;
// `sessions_max` sessions, beyond which none begins. A session that was not used for a day is dropped; and a
// number of a session that is not known is refused: nothing of it was ever applied, so that it may be sent
// again in another.
//
// Threads: any. A session's lock is held for a look-up.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace stadion::dbserver {

struct session_id {
    std::uint64_t opening = 0;
    std::uint64_t number = 0;
    bool operator==(const session_id&) const = default;
};

std::string to_text(const session_id& id);
std::optional<session_id> session_from_text(std::string_view text);

// In which session, and how far it is confirmed.
struct numbering {
    session_id session;
    std::uint64_t lowest_open = 0;
};

// A session as a checkpoint has it.
struct saved_session {
    session_id id;
    std::uint64_t lowest_open = 1;
    std::int64_t used_us = 0;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> kept; // number and sequence
};

std::string to_text(const std::vector<saved_session>& sessions);
bool from_text(std::string_view text, std::vector<saved_session>& into);

class write_sessions {
public:
    static constexpr std::uint64_t window = 65'536;
    static constexpr std::size_t sessions_max = 4'096;

    explicit write_sessions(std::int64_t kept_us) : kept_us_(kept_us) {}

    void set_opening(std::uint64_t opening) { opening_ = opening; }
    // Nothing when there are too many.
    std::optional<session_id> begin(std::int64_t now_us);

    enum class verdict {
        fresh,     // reserved: to be kept or released
        answered,  // `sequence` says by which commit
        running,   // sent before, and not ended yet
        confirmed, // below the lowest open number
        too_far,   // beyond the window
        unknown,   // no such session
    };
    verdict reserve(const numbering& in, std::uint64_t number, std::int64_t now_us, std::uint64_t& sequence);
    void keep(const session_id& in, std::uint64_t number, std::uint64_t sequence);
    void release(const session_id& in, std::uint64_t number);

    // What the journal, or a checkpoint, says.
    void restore(const numbering& in, std::uint64_t number, std::uint64_t sequence, std::int64_t at_us);
    void restore(const saved_session& one);
    // As they are, with what is kept; those that are too old are dropped.
    std::vector<saved_session> save(std::int64_t now_us);

    std::size_t size() const;

private:
    static constexpr std::uint64_t is_running = UINT64_MAX;
    struct session {
        std::mutex lock;
        std::int64_t used_us = 0;
        std::uint64_t lowest_open = 1;
        std::deque<std::uint64_t> sequences; // of the numbers from lowest_open on; 0: not used
        void confirm(std::uint64_t below);
        std::uint64_t& at(std::uint64_t number);
    };
    struct id_hash {
        std::size_t operator()(const session_id& id) const {
            return static_cast<std::size_t>(id.opening ^ id.number * 0x9e3779b97f4a7c15);
        }
    };
    std::shared_ptr<session> find(const session_id& id) const;
    session& find_or_make(const session_id& id);
    void drop_idle(std::int64_t now_us);

    const std::int64_t kept_us_;
    std::uint64_t opening_ = 0;
    mutable std::shared_mutex lock_;
    std::uint64_t begun_ = 0;
    std::unordered_map<session_id, std::shared_ptr<session>, id_hash> sessions_;
};

} // namespace stadion::dbserver
