// Counters of the sessions. Each worker writes counters of its own, so counting costs a plain addition; a
// reader adds up those of all workers.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace stadion::net {

class server_metrics {
public:
    static constexpr std::size_t methods_max = 0x0800;
    static constexpr std::size_t buckets = 24; // bucket n: under 2^n µs

    explicit server_metrics(std::size_t workers = 1) { resize(workers); }
    void resize(std::size_t workers);

    // One counter that only one thread writes.
    struct counter {
        std::atomic<std::uint64_t> value{0};
        void add(std::uint64_t by = 1) noexcept {
            value.store(value.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
        }
        std::uint64_t get() const noexcept { return value.load(std::memory_order_relaxed); }
    };

    struct alignas(64) slots {
        std::array<counter, methods_max> requests;
        std::array<counter, 17> answers; // by status
        std::array<counter, buckets> duration;
        counter duration_us_sum;
        counter http_requests;
        counter events_sent;
    };

    slots& of(std::size_t worker) noexcept { return *per_worker_[worker]; }

    // The sum over all workers of the counter that `pick` returns. Any thread.
    template <typename Pick>
    std::uint64_t sum(Pick pick) const {
        std::uint64_t total = 0;
        for (const auto& one : per_worker_) total += pick(*one).get();
        return total;
    }

    static std::size_t bucket_of(std::uint64_t microseconds) noexcept;

private:
    std::vector<std::unique_ptr<slots>> per_worker_;
};

} // namespace stadion::net
