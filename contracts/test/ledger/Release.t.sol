// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILedger} from "../../src/interfaces/ILedger.sol";
import {Base} from "../support/Base.sol";

contract ReleaseTest is Base {
    function setUp() public override {
        super.setUp();
        deposit(renter, 1000);
        reserve(renter, provider, LANE, 100);
        redeem(RENTER, renter, provider, LANE, 30);
    }

    function test_StartRelease_ItMaturesAfterTheDelay() external {
        vm.expectEmit(address(ledger));
        emit ILedger.Releasing(renter, provider, LANE, START + DELAY);
        startRelease(renter, provider, LANE);
        vm.assertEq(laneOf(renter, provider, LANE).releaseAt, START + DELAY, "releaseAt");
    }

    function test_StartRelease_ItReachesTheCallersLanesOnly() external {
        startRelease(stranger, provider, LANE);
        startRelease(provider, renter, LANE);
        vm.assertEq(laneOf(renter, provider, LANE).releaseAt, 0, "releaseAt");
    }

    function test_GivenItRunsAlready_ItStartsAnew() external {
        startRelease(renter, provider, LANE);
        pass(DELAY - 1);
        startRelease(renter, provider, LANE);
        vm.assertEq(laneOf(renter, provider, LANE).releaseAt, now_() + DELAY, "releaseAt");
    }

    function test_RevertGiven_ItWasNeverStarted() external {
        vm.expectRevert(abi.encodeWithSelector(ILedger.NotReleasable.selector, renter, provider, LANE, 0, 0));
        ledger.release(renter, one(provider, LANE));
    }

    function test_RevertGiven_ItIsNotMature() external {
        startRelease(renter, provider, LANE);
        pass(DELAY - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ILedger.NotReleasable.selector, renter, provider, LANE, START + DELAY, START + DELAY + WINDOW
            )
        );
        ledger.release(renter, one(provider, LANE));
    }

    function test_GivenItIsMature_ItReturnsWhatIsLocked() external {
        ILedger.SignedRes[] memory old = one(signedRes(RENTER, renter, provider, LANE, 0, 200));
        old[0].validUntil = START + 365 days;
        (old[0].r, old[0].vs) = compact(RENTER, ledger.reserveDigest(renter, provider, LANE, 0, 200, old[0].validUntil));
        startRelease(renter, provider, LANE);
        pass(DELAY);
        vm.expectEmit(address(ledger));
        emit ILedger.Released(renter, provider, LANE, 70, 1);
        vm.prank(stranger);
        ledger.release(renter, one(provider, LANE));
        vm.assertEq(depositOf(renter), 970, "deposit");
        ILedger.Lane memory lane = laneOf(renter, provider, LANE);
        vm.assertEq(lane.cap, 30, "cap");
        vm.assertEq(lane.paid, 30, "paid");
        vm.assertEq(lane.releaseAt, 0, "releaseAt");
        vm.assertEq(lane.epoch, 1, "epoch");

        vm.expectRevert(abi.encodeWithSelector(ILedger.WrongEpoch.selector, renter, provider, LANE, 1, 0));
        ledger.reserveFor(old);
        vm.expectRevert(abi.encodeWithSelector(ILedger.NotReleasable.selector, renter, provider, LANE, 0, 0));
        ledger.release(renter, one(provider, LANE));
    }

    function test_RevertGiven_ItsWindowIsOver() external {
        startRelease(renter, provider, LANE);
        pass(DELAY + WINDOW + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ILedger.NotReleasable.selector, renter, provider, LANE, START + DELAY, START + DELAY + WINDOW
            )
        );
        ledger.release(renter, one(provider, LANE));
        startRelease(renter, provider, LANE);
        pass(DELAY + WINDOW); // the last second
        ledger.release(renter, one(provider, LANE));
        vm.assertEq(depositOf(renter), 970, "deposit");
    }

    function test_RevertWhen_ALaneIsTwiceInABatch() external {
        startRelease(renter, provider, LANE);
        pass(DELAY);
        ILedger.LaneRef[] memory list = new ILedger.LaneRef[](2);
        (list[0], list[1]) = (ILedger.LaneRef(provider, LANE), ILedger.LaneRef(provider, LANE));
        vm.expectRevert();
        ledger.release(renter, list);
    }

    // ---- waive ----

    function test_Waive_ItReturnsWhatIsLockedAtOnce() external {
        ILedger.SignedRes[] memory old = one(signedRes(RENTER, renter, provider, LANE, 0, 200));
        startRelease(renter, provider, LANE);
        vm.expectEmit(address(ledger));
        emit ILedger.Waived(renter, provider, LANE, 70, 1);
        vm.prank(provider);
        ledger.waive(one(renter, LANE));
        vm.assertEq(depositOf(renter), 970, "deposit");
        ILedger.Lane memory lane = laneOf(renter, provider, LANE);
        vm.assertEq(lane.cap, 30, "cap");
        vm.assertEq(lane.releaseAt, 0, "there is nothing left to release");
        vm.expectRevert(abi.encodeWithSelector(ILedger.WrongEpoch.selector, renter, provider, LANE, 1, 0));
        ledger.reserveFor(old);
    }

    function test_Waive_AnOldVoucherPaysOnlyFromANewCap() external {
        ILedger.V[] memory list = one(voucher(RENTER, renter, provider, LANE, 90));
        vm.prank(provider);
        ledger.waive(one(renter, LANE));
        vm.assertEq(ledger.redeem(provider, list), 0, "nothing booked");
        reserve(renter, provider, LANE, 50);
        vm.assertEq(ledger.redeem(provider, list), 20, "what is still owed, as far as it is booked again");
    }

    function test_WhenCalledByAnother_WaiveDoesNotTouchTheProvidersLanes() external {
        setSigner(provider, providerKey, type(uint96).max, START + 30 days);
        vm.prank(providerKey);
        ledger.waive(one(renter, LANE));
        vm.prank(stranger);
        ledger.waive(one(renter, LANE));
        vm.prank(renter);
        ledger.waive(one(renter, LANE));
        ILedger.Lane memory lane = laneOf(renter, provider, LANE);
        vm.assertEq(lane.cap, 100, "cap");
        vm.assertEq(lane.epoch, 0, "epoch");
        vm.assertEq(depositOf(renter), 900, "deposit");
    }

    // ---- status ----

    function test_TheStatusOfALane_FollowsFromTheSlotAndTheTime() external {
        check(ILedger.LaneStatus.Open);
        startRelease(renter, provider, LANE);
        check(ILedger.LaneStatus.Releasing);
        pass(DELAY - 1);
        check(ILedger.LaneStatus.Releasing);
        pass(1);
        check(ILedger.LaneStatus.Releasable);
        pass(WINDOW);
        check(ILedger.LaneStatus.Releasable);
        pass(1);
        check(ILedger.LaneStatus.Open);
        startRelease(renter, provider, LANE);
        check(ILedger.LaneStatus.Releasing);
        pass(DELAY);
        ledger.release(renter, one(provider, LANE));
        check(ILedger.LaneStatus.Open);
    }

    function check(ILedger.LaneStatus want) private view {
        vm.assertEq(uint256(ledger.laneStatus(renter, provider, LANE)), uint256(want), "status");
    }
}
