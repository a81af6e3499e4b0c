#include "test/support/linearizability.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>

namespace stadion::test {
namespace {

struct table_model {
    std::uint32_t version = 0;
    std::uint32_t gold = 0;

    // Takes the step when the answer fits.
    bool step(const table_call& call) {
        using kind = table_call::kind;
        if (call.what == kind::read) return call.version == version && call.gold == gold;
        if (call.what == kind::add_if && !call.applied)
            return call.expected != version && call.version == version;
        if (call.what == kind::add_if && call.expected != version) return false;
        if (!call.applied) return false;
        return call.version == ++version && call.gold == ++gold;
    }
};

class search {
public:
    explicit search(std::vector<table_call> history) : calls_(std::move(history)) {
        std::sort(calls_.begin(), calls_.end(),
                  [](const auto& a, const auto& b) { return a.begun < b.begun; });
        done_.assign(calls_.size(), '0');
    }

    bool run() { return from({}, 0); }

private:
    bool from(table_model now, std::size_t first) {
        while (first < calls_.size() && done_[first] == '1') ++first;
        if (first == calls_.size()) return true;
        const std::size_t last = done_.rfind('1');
        std::string beyond =
            last == std::string::npos || last < first ? std::string() : done_.substr(first, last - first + 1);
        if (!seen_.emplace(first, now.version, std::move(beyond)).second) return false;
        std::uint64_t earliest_end = UINT64_MAX;
        for (std::size_t i = first; i < calls_.size(); ++i)
            if (done_[i] == '0') earliest_end = std::min(earliest_end, calls_[i].ended);
        for (std::size_t i = first; i < calls_.size() && calls_[i].begun < earliest_end; ++i) {
            if (done_[i] == '1') continue;
            table_model next = now;
            if (!next.step(calls_[i])) continue;
            done_[i] = '1';
            if (from(next, first)) return true;
            done_[i] = '0';
        }
        return false;
    }

    std::vector<table_call> calls_;
    std::string done_;
    std::set<std::tuple<std::size_t, std::uint32_t, std::string>> seen_;
};

} // namespace

bool is_linearizable(std::vector<table_call> history) { return search(std::move(history)).run(); }

} // namespace stadion::test
