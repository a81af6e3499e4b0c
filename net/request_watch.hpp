// Which requests came in on a connection, by their ids, for somebody who counts them.
//
// Ids that follow one another make a run, so that watching costs a comparison and an addition per request.
// Threading: the connection's worker.
#pragma once

#include <cstdint>

namespace stadion::net {

class request_watch {
public:
    virtual ~request_watch() = default;

    void saw(std::uint64_t id) {
        if (count_ != 0 && id == first_ + count_) {
            ++count_;
            return;
        }
        if (count_ != 0) on_run(first_, count_);
        if (count_ == 0) on_first();
        first_ = id;
        count_ = 1;
    }

    // The run so far, which ends with that.
    template <typename Take>
    void take(Take&& run) {
        if (count_ != 0) run(first_, count_);
        count_ = 0;
    }

protected:
    // A run ended because the next id is not its next.
    virtual void on_run(std::uint64_t first, std::uint64_t count) = 0;
    // Somebody should `take` soon.
    virtual void on_first() = 0;

private:
    std::uint64_t first_ = 0;
    std::uint64_t count_ = 0;
};

} // namespace stadion::net
