#include "clocksync/order/order_methods.hpp"

#include "wire/proto/peer.pb.h"

namespace stadion::clocksync {
namespace {

constexpr auto answer_within = std::chrono::milliseconds(20);
constexpr std::size_t unanswered_max = 256; // well below what one connection may have in flight

// The calls of one worker that wait for their empty answer.
struct gathering {
    explicit gathering(net::worker& at) : home(at) {}

    void take(std::shared_ptr<net::pending_call> one) {
        waiting.push_back(std::move(one));
        if (waiting.size() >= unanswered_max) return answer();
        if (waiting.size() == 1) home.arm(due, answer_within);
    }
    void answer() {
        due.disarm();
        for (const auto& one : std::exchange(waiting, {})) one->reply(std::string_view{});
    }

    struct answer_deadline : net::deadline {
        gathering* owner;
        explicit answer_deadline(gathering* of)
            : deadline([](deadline& entry) { static_cast<answer_deadline&>(entry).owner->answer(); }),
              owner(of) {}
    };
    net::worker& home;
    std::vector<std::shared_ptr<net::pending_call>> waiting;
    answer_deadline due{this};
};

} // namespace

void add_order_methods(net::server& to, order_arrival arrive) {
    auto workers = std::make_shared<std::vector<std::unique_ptr<gathering>>>();
    for (std::size_t i = 0; i < to.threads().size(); ++i)
        workers->push_back(std::make_unique<gathering>(to.threads().at(i)));
    to.rpc().on_call<v1::OrderRequest>(
        "Peer", "Order", net::roles(net::role::server),
        [workers, arrive = std::move(arrive)](v1::OrderRequest& request, net::call& one) {
            const auto taken =
                arrive(request.from(), request.ring_key(), std::move(*request.mutable_frames()));
            if (!taken) return one.fail(taken.error());
            if (auto pending = one.defer()) (*workers)[one.home().index()]->take(std::move(pending));
        });
}

} // namespace stadion::clocksync
