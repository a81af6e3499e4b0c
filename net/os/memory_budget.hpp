// The bytes that connections hold, and the bound on them: one for all servers of a machine, not one for each.
//
// Each process counts its own bytes in one atomic number. A process that has joined the machine's budget
// publishes that number in a small shared file, coarsely, in a slot of its own; what the others hold is the
// sum of their slots. The slot of a process that has died, by whatever end, counts for nothing and is taken
// again: a slot belongs to a pid and the moment that process started. The file is only counters, so one that
// is lost or damaged costs accuracy and nothing else.
//
// Threading: any thread, without locks. Bound: a quarter of the machine's (or the control group's) memory for
// all; without the shared file an eighth of that for each process.
#pragma once

#include "wire/result.hpp"

#include <atomic>
#include <cstddef>
#include <filesystem>

namespace stadion::net {

// What one owner holds, as part of the process's count; gives it back when it ends. One thread.
class held_bytes {
public:
    held_bytes() = default;
    ~held_bytes() { set(0); }
    held_bytes(const held_bytes&) = delete;
    held_bytes& operator=(const held_bytes&) = delete;

    void set(std::size_t now) noexcept;
    std::size_t get() const noexcept { return counted_; }

private:
    std::size_t counted_ = 0;
};

// Bytes that this process's connections hold: waiting to be sent, or not handled yet.
std::size_t bytes_held_here() noexcept;

// The same of all servers of the machine, as far as they have joined. Others' count is a moment old.
std::size_t bytes_held() noexcept;

// What all of them may hold, or this process when it has not joined.
std::size_t bytes_held_max() noexcept;

// Takes part in the machine's budget. Once, before threads are started. `path`: the shared file, made with
// mode 0600; refused when it belongs to another user. The process goes on without when this fails.
wire::result<void> join_memory_budget(const std::filesystem::path& path);

// Where the shared file of this user is: below XDG_RUNTIME_DIR, else in /dev/shm.
std::filesystem::path memory_budget_path();

} // namespace stadion::net
