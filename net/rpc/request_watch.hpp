// Records the ids of the requests on a connection, for whoever counts them.
//
// Consecutive ids form a run, so recording costs a comparison and an addition per request. A caller that
// numbers its requests in order has one run, however long nobody takes it. A caller that leaves gaps has
// several; `runs_max` ended runs are kept, and the requests of further ones are not counted. Ids above
// `id_max` are not counted either. Bound: 16 bytes a run. Threading: the connection's worker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace stadion::net {

class request_watch {
public:
    static constexpr std::size_t runs_max = 16;
    static constexpr std::uint64_t id_max = ~std::uint64_t{0} >> 1; // room for any count above it

    virtual ~request_watch() = default;

    void saw(std::uint64_t id) {
        if (count_ != 0 && id == first_ + count_ && id <= id_max) {
            ++count_;
            return;
        }
        begin_run(id);
    }

    // Passes the runs so far to `take_run(first, count)`, oldest first, until it returns false. The runs that
    // it has accepted are removed. True when none is left.
    template <typename Take>
    bool take(Take&& take_run) {
        std::size_t taken = 0;
        while (taken < ended_ && take_run(runs_[taken].first, runs_[taken].count)) ++taken;
        for (std::size_t i = taken; i < ended_; ++i) runs_[i - taken] = runs_[i];
        ended_ -= taken;
        if (ended_ == 0 && count_ != 0 && take_run(first_, count_)) count_ = 0;
        return ended_ == 0 && count_ == 0;
    }

protected:
    // Called for the first request after everything was taken; it should arrange a `take`. False when nobody
    // will take: the request is not counted then.
    virtual bool on_first() = 0;
    // So many requests are not counted.
    virtual void on_lost(std::uint64_t count) = 0;

private:
    struct run {
        std::uint64_t first, count;
    };

    void begin_run(std::uint64_t id) {
        if (id > id_max) return on_lost(1);
        if (count_ == 0 && ended_ == 0 && !on_first()) return on_lost(1);
        if (count_ != 0 && ended_ == runs_max)
            on_lost(count_);
        else if (count_ != 0)
            runs_[ended_++] = {first_, count_};
        first_ = id;
        count_ = 1;
    }

    std::uint64_t first_ = 0;
    std::uint64_t count_ = 0; // of the current run
    std::size_t ended_ = 0;
    std::array<run, runs_max> runs_;
};

} // namespace stadion::net
