// A coarse timer for very many deadlines: one per connection and one per waiting request.
//
// A hashed timing wheel (Varghese and Lauck, 1987, scheme 6). A deadline is an intrusive list node in the
// slot of its tick, so arming and disarming cost a few instructions and no allocation. Deadlines fire up to
// one tick (10 ms) late, never early.
//
// Threading: one wheel per worker, used on its thread only. The time comes in through `advance`, so the wheel
// reads no clock.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace stadion::net {

class deadline_wheel;

// An action that runs once, at a time, unless it is disarmed. Disarms itself when destroyed.
class deadline {
public:
    using action = void (*)(deadline&);

    explicit deadline(action on_expiry) noexcept : on_expiry_(on_expiry) {}
    deadline(const deadline&) = delete;
    deadline& operator=(const deadline&) = delete;
    ~deadline() { disarm(); }

    bool armed() const noexcept { return next_ != nullptr; }
    void disarm() noexcept;

private:
    friend class deadline_wheel;
    action on_expiry_ = nullptr;
    deadline* previous_ = nullptr;
    deadline* next_ = nullptr;
    std::uint64_t due_tick_ = 0;
    deadline_wheel* wheel_ = nullptr;
};

// A deadline that calls a member function of its owner, which outlives it: usually the object it is part of.
//     member_deadline<session, &session::on_idle> idle_{*this};
template <typename Owner, void (Owner::*on_expiry)()>
class member_deadline : public deadline {
public:
    explicit member_deadline(Owner& owner) noexcept
        : deadline([](deadline& entry) { (static_cast<member_deadline&>(entry).owner_.*on_expiry)(); }),
          owner_(owner) {}

private:
    Owner& owner_;
};

class deadline_wheel {
public:
    using clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds tick_length{10};

    explicit deadline_wheel(clock::time_point start = clock::now()) noexcept;
    ~deadline_wheel();
    deadline_wheel(const deadline_wheel&) = delete;
    deadline_wheel& operator=(const deadline_wheel&) = delete;

    // Arms `entry` to fire `after` from `now`; moves it if it was armed.
    void arm(deadline& entry, clock::time_point now, clock::duration after) noexcept;

    // Fires everything due at `now`. Actions may arm and disarm any deadline, also their own. When an action
    // throws, the others still run, and the first exception is rethrown at the end.
    void advance(clock::time_point now);

    std::size_t size() const noexcept { return size_; }

private:
    friend class deadline;
    static constexpr std::size_t slot_count = 1024; // 10.24 s a round; later deadlines wait for their round

    // A slot is a ring whose head is a deadline that never fires.
    struct ring : deadline {
        ring() noexcept : deadline(nullptr) {}
    };

    std::uint64_t tick_of(clock::time_point time) const noexcept;
    static void link(deadline& head, deadline& entry) noexcept;

    clock::time_point start_;
    std::uint64_t tick_ = 0; // everything due at or before this has fired
    std::size_t size_ = 0;
    std::array<ring, slot_count> slots_;
};

} // namespace stadion::net
