// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILedger} from "../../src/interfaces/ILedger.sol";
import {Base} from "../support/Base.sol";
import {LedgerHandler} from "./LedgerHandler.sol";

/// @notice What holds after any sequence of calls. tools/mutants shows for each that it fails when it should.
contract LedgerInvariantTest is Base {
    LedgerHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new LedgerHandler(token, ledger);
        token.transfer(address(handler), 10 * FUNDS);
        handler.begin();
    }

    /// @dev forge calls only these.
    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    /// @dev Not the helpers that set up or show something.
    function excludeSelectors() external view returns (FuzzSelector[] memory list) {
        list = new FuzzSelector[](1);
        list[0].addr = address(handler);
        list[0].selectors = new bytes4[](2);
        list[0].selectors[0] = LedgerHandler.begin.selector;
        list[0].selectors[1] = Base.setUp.selector;
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function lane(uint256 i) private view returns (ILedger.Lane memory) {
        (address r, address p, uint64 n,,) = handler.ways(i);
        return laneOf(r, p, n);
    }

    /// @notice Every coin is in a deposit, earned, or locked in a lane.
    function invariant_MoneyIsConserved() external view {
        uint256 sum = handler.lockedAndEarned() + depositOf(renter) + depositOf(renter2);
        vm.assertEq(token.balanceOf(address(ledger)), sum, "the books do not match the balance");
        vm.assertEq(handler.put() - handler.taken(), sum, "the books do not match what went in and out");
    }

    function invariant_ALanePaysNoMoreThanItsCap() external view {
        for (uint256 i; i < handler.wayCount(); ++i) {
            ILedger.Lane memory x = lane(i);
            vm.assertLe(x.paid, x.cap, "paid exceeds cap");
        }
    }

    /// @notice All that ever came out of a lane is at most the highest voucher signed for it.
    function invariant_AVoucherNeverPaysTwice() external view {
        for (uint256 i; i < handler.wayCount(); ++i) {
            vm.assertLe(handler.credited(i), handler.highestSigned(i), "more was paid than signed");
            vm.assertEq(handler.credited(i), lane(i).paid, "paid is not what was credited");
        }
    }

    /// @notice Whatever the renter did since, a voucher that was safe to accept still pays for the delay.
    function invariant_AnAcceptedVoucherStaysRedeemable() external {
        for (uint256 n; n < handler.acceptedCount(); ++n) {
            LedgerHandler.Accepted memory a = handler.acceptedAt(n);
            if (now_() >= a.acceptedAt + DELAY) continue;
            (address r, address p, uint64 number,,) = handler.ways(a.way);
            try ledger.redeem(p, one(a.voucher)) {}
            catch {
                revert("an accepted voucher was refused");
            }
            vm.assertGe(laneOf(r, p, number).paid, a.voucher.cumulative, "an accepted voucher was not paid in full");
        }
    }

    /// @notice A Reserve dies with the epoch it was signed in, and no Reserve or raise moves a running release.
    function invariant_NoStaleReserveWorksAndNoneStopsARelease() external view {
        vm.assertTrue(!handler.staleReserveWorked(), "a stale Reserve raised a cap");
        for (uint256 i; i < handler.wayCount(); ++i) {
            vm.assertEq(lane(i).releaseAt, handler.releaseDue(i), "a release was moved");
        }
    }

    function invariant_NobodyExitsPastABookedCap() external view {
        vm.assertTrue(!handler.exitedPastCap(), "an exit paid more than the free deposit");
        vm.assertGe(token.balanceOf(address(ledger)), handler.lockedAndEarned(), "booked money is gone");
    }

    /// @notice A stolen session key reaches its own lanes and its allowance, no more.
    function invariant_ASessionKeyStaysWithinItsBounds() external view {
        vm.assertTrue(!handler.strayKeyWorked(), "a session key moved another lane");
        for (uint256 i; i < 2; ++i) {
            vm.assertLe(handler.bookedBySession(i), handler.highestAllowance(i), "booked more than was ever allowed");
        }
    }
}
