#include "net/server/liveness.hpp"

#include <algorithm>

namespace stadion::net {
namespace {

constexpr auto answer_within = std::chrono::seconds(1);

class liveness_check : public std::enable_shared_from_this<liveness_check> {
public:
    liveness_check(runtime& threads, std::shared_ptr<http_exchange> exchange, bool verbose)
        : threads_(threads),
          exchange_(std::move(exchange)),
          timer_(exchange_->home().context()),
          has_answered_(threads.size()),
          verbose_(verbose) {}

    void begin() {
        auto& home = exchange_->home();
        for (std::size_t i = 0; i < threads_.size(); ++i)
            threads_.at(i).post(
                [self = shared_from_this(), &home, i] { home.post([self, i] { self->on_answer(i); }); });
        timer_.expires_after(answer_within);
        timer_.async_wait([self = shared_from_this()](error_code) { self->finish(); });
    }

private:
    void on_answer(std::size_t worker) {
        has_answered_[worker] = true;
        if (std::ranges::all_of(has_answered_, [](bool yes) { return yes; })) finish();
    }

    void finish() {
        const auto exchange = std::exchange(exchange_, nullptr);
        if (!exchange) return;
        timer_.cancel();
        bool all = true;
        http_response response;
        for (std::size_t i = 0; i < has_answered_.size(); ++i) {
            const auto name = "worker " + std::to_string(i);
            if (!has_answered_[i])
                response.body += "[-] " + name + ": has not turned its loop for a second\n";
            else if (verbose_)
                response.body += "[+] " + name + ": ok\n";
            all = all && has_answered_[i];
        }
        response.body += all ? "ok\n" : "not live\n";
        response.status = all ? 200 : 503;
        response.content_type = "text/plain; charset=utf-8";
        exchange->respond(std::move(response));
    }

    runtime& threads_;
    std::shared_ptr<http_exchange> exchange_; // until it is answered
    asio::steady_timer timer_;
    std::vector<bool> has_answered_;
    const bool verbose_;
};

} // namespace

void answer_liveness(runtime& threads, std::shared_ptr<http_exchange> exchange, bool verbose) {
    std::make_shared<liveness_check>(threads, std::move(exchange), verbose)->begin();
}

} // namespace stadion::net
