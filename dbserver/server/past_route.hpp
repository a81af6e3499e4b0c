// Answers what no board holds: the history of a game, and lists as they stood at a time.
//
// Both read histories from files, so they are answered by a thread of their own, one after the other: no
// worker waits for a disk. Bound: `waiting_max` questions; beyond that they are refused RESOURCE_EXHAUSTED.
// Threading: `answer` on any worker; answers go out on the worker of the question.
#pragma once

#include "dbserver/table/store.hpp"
#include "net/board/board_http.hpp"
#include "net/session/http_session.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace stadion::dbserver {

class past_reading {
public:
    explicit past_reading(const store& from);
    ~past_reading(); // answers what waits first

    void answer(net::http_request&& request, net::board_view view,
                const std::shared_ptr<net::http_exchange>& exchange);

private:
    struct question {
        net::http_request request;
        audience who;
        std::shared_ptr<net::http_exchange> exchange;
    };
    void run();
    net::http_response answer_to(const question& one) const;

    const store& store_;
    std::mutex mutex_;
    std::condition_variable work_;
    std::deque<question> waiting_;
    bool stopping_ = false;
    std::thread thread_;
};

} // namespace stadion::dbserver
