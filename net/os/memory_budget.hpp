// The number of bytes that connections hold, and its bound. All servers of a machine share one budget.
//
// Each process counts its own bytes in one atomic number. A process that has joined the budget publishes that
// number in its slot of a small shared file whenever it has changed by 64 KiB; the total is the sum of all
// slots. A slot belongs to a pid and the start time of that process, so the slot of a process that has died
// is noticed and reused. The file holds only counters: losing or damaging it costs accuracy and nothing else.
//
// Threading: any thread, without locks. Bound: a quarter of the memory of the machine (or its control group)
// for all processes; an eighth of that for a process that has not joined.
#pragma once

#include "wire/result.hpp"

#include <atomic>
#include <cstddef>
#include <filesystem>

namespace stadion::net {

// The bytes of one owner, counted in the process's total until this object is destroyed. Not thread-safe.
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

// Bytes that the connections of this process hold: unsent, or received and not handled yet.
std::size_t bytes_held_here() noexcept;

// The same for all processes that have joined. The count of the others may be slightly old.
std::size_t bytes_held() noexcept;

// The bound on `bytes_held`.
std::size_t bytes_held_max() noexcept;

// Joins the budget of the machine. Called once, before threads are started. The shared file at `path` is
// created with mode 0600, and refused when it belongs to another user. The caller may go on after a failure.
wire::result<void> join_memory_budget(const std::filesystem::path& path);

// The path of this user's shared file: in XDG_RUNTIME_DIR, else in /dev/shm.
std::filesystem::path memory_budget_path();

} // namespace stadion::net
