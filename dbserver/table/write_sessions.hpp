// Write sessions: exactly once for servers that write for others, by numbering their mutations.
//
// The problem: a front-end repeats a write when its answer was lost with the connection, and the write must
// not count twice. An idempotency key for it would have to be kept for as long as anybody might repeat it.
// But a front-end knows when it will not repeat a write any more. So it begins a session and numbers its
// mutations in it 1, 2, 3…. Each request carries the lowest number that is still open; all lower ones are
// confirmed and forgotten. (Ongaro, "Consensus: bridging theory and practice", 2014, section 6.3, does this
// for Raft.)
//
// A session's id is the opening of the store and a count. The opening has the number of the journal batch
// that recorded it, which no other opening of the directory has. It also has 32 random bits, which tell apart
// two copies of one directory.
//
// A number is reserved, kept and released as an idempotency key is. A confirmed number is never applied
// again, however late it arrives. Bounds: a number beyond `window` from the lowest open one is refused for
// the moment. There are at most `sessions_max` sessions. A session unused for a day is dropped. A number of
// an unknown session is refused and was not applied, so that the mutation may be sent in a new session.
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

// The session of a request, and its lowest number that is not confirmed.
struct numbering {
    session_id session;
    std::uint64_t lowest_open = 0;
};

// A session as a checkpoint stores it.
struct saved_session {
    session_id id;
    std::uint64_t lowest_open = 1;
    std::int64_t used_us = 0;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> kept; // numbers and the sequences of their commits
};

std::string to_text(const std::vector<saved_session>& sessions);
bool from_text(std::string_view text, std::vector<saved_session>& into);

class write_sessions {
public:
    static constexpr std::uint64_t window = 65'536;
    static constexpr std::size_t sessions_max = 4'096;

    explicit write_sessions(std::int64_t kept_us) : kept_us_(kept_us) {}

    void set_opening(std::uint64_t opening) { opening_ = opening; }
    // Nothing when sessions_max are open.
    std::optional<session_id> begin(std::int64_t now_us);

    enum class verdict {
        fresh,     // reserved: the caller must keep or release it
        answered,  // kept: `sequence` says for which commit
        running,   // reserved by an earlier request that has not ended
        confirmed, // below the lowest open number
        too_far,   // beyond the window
        unknown,   // no such session
    };
    verdict reserve(const numbering& in, std::uint64_t number, std::int64_t now_us, std::uint64_t& sequence);
    void keep(const session_id& in, std::uint64_t number, std::uint64_t sequence);
    void release(const session_id& in, std::uint64_t number);

    // At start: what the journal and the checkpoint recorded.
    void restore(const numbering& in, std::uint64_t number, std::uint64_t sequence, std::int64_t at_us);
    void restore(const saved_session& one);
    // All sessions with their kept numbers. Drops those that are unused for too long.
    std::vector<saved_session> save(std::int64_t now_us);

    std::size_t size() const;

private:
    static constexpr std::uint64_t is_running = UINT64_MAX;
    struct session {
        std::mutex lock;
        std::int64_t used_us = 0;
        std::uint64_t lowest_open = 1;
        std::deque<std::uint64_t> sequences; // by number, from lowest_open on; 0: not reserved
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
