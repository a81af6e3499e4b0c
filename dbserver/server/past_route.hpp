// Answers questions about the past: the history of a game, and lists as of a time.
//
// Both read histories from files. A thread of their own answers them one after the other, so that no worker
// waits for a disk. Bound: 256 waiting questions; beyond it they are refused with RESOURCE_EXHAUSTED.
// Threading: `answer` on any worker; the response is sent on the worker of the question.
#pragma once

#include "dbserver/table/store.hpp"
#include "net/board/board_http.hpp"
#include "net/session/http_session.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace stadion::dbserver {

class past_queries {
public:
    explicit past_queries(const store& from);
    ~past_queries(); // answers the waiting questions first

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
