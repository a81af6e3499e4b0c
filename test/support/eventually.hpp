// Waits for conditions that other threads bring about.
//
// A test double that changes something announces it, and then every waiting test checks its condition at
// once. Some conditions change without an announcement, such as the bytes that the process holds or the state
// of a clock. For these a waiting test also checks its condition every `unannounced_every`. Threading: any
// thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

namespace stadion::support {

inline constexpr std::chrono::milliseconds unannounced_every{2};

class change_board {
public:
    void announce() {
        {
            const std::lock_guard lock(mutex_);
            ++changes_;
        }
        changed_.notify_all();
    }

    // False when the condition does not hold after `within`. It is called without a lock held.
    bool wait_until(const std::function<bool()>& holds, std::chrono::milliseconds within) {
        const auto end = std::chrono::steady_clock::now() + within;
        for (;;) {
            const auto seen = changes();
            if (holds()) return true;
            if (std::chrono::steady_clock::now() > end) return false;
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, unannounced_every, [&] { return changes_ != seen; });
        }
    }

private:
    std::uint64_t changes() {
        const std::lock_guard lock(mutex_);
        return changes_;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t changes_ = 0;
};

inline change_board changes_of_this_process;

inline void announce_change() { changes_of_this_process.announce(); }

inline bool eventually(const std::function<bool()>& holds,
                       std::chrono::milliseconds within = std::chrono::seconds(10)) {
    return changes_of_this_process.wait_until(holds, within);
}

} // namespace stadion::support
