#include "dispatcher/service/view_stream_service.hpp"

#include <algorithm>

namespace stadion::dispatcher {

view_stream_service::view_stream_service(net::runtime& threads) : threads_(threads) {
    for (std::size_t i = 0; i < threads.size(); ++i) workers_.push_back(std::make_unique<worker_state>());
}

void view_stream_service::watch(std::shared_ptr<net::pending_call> call) {
    auto& home = call->home();
    auto& here = *workers_[home.index()];
    const auto* key = call.get();
    call->on_abandoned = [&home, &here, key] {
        const auto gone = std::find_if(here.watchers.begin(), here.watchers.end(),
                                       [key](const watcher& one) { return one.call.get() == key; });
        if (gone == here.watchers.end()) return;
        home.post([last = std::move(gone->call)] {}); // not destroyed from inside its own callback
        here.watchers.erase(gone);
    };
    call->on_drained = [&here, key] {
        for (auto& one : here.watchers)
            if (one.call.get() == key) send(here, one);
    };
    here.watchers.push_back({std::move(call), nullptr});
    send(here, here.watchers.back());
}

void view_stream_service::send(worker_state& where, watcher& to) {
    if (!where.newest || to.sent == where.newest || to.call->is_congested()) return;
    to.sent = where.newest;
    to.call->event(*where.newest);
}

void view_stream_service::publish(std::string view) {
    const auto newest = std::make_shared<const std::string>(std::move(view));
    for (std::size_t i = 0; i < workers_.size(); ++i)
        threads_.at(i).post([&here = *workers_[i], newest] {
            here.newest = newest;
            for (auto& one : here.watchers) send(here, one);
        });
}

} // namespace stadion::dispatcher
